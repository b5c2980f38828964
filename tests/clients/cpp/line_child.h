// The client's own `Child` behind an interface that names nothing of the client: its
// `tallygate::Error` and the sidecar's cannot stand in one file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace client_test {

class LineChild {
 public:
  // Null, with the cause in `error`, where that fails.
  static std::unique_ptr<LineChild> spawn(const std::vector<std::string>& command,
                                          const std::string& stderr_file, std::string& error);
  ~LineChild();

  bool write(std::string_view line);
  // Nothing when the output ended or stayed silent for twenty seconds; silence kills the child.
  std::optional<std::string> next_line();
  void end_input();
  void kill();
  // As waitpid(2) says; nothing if it lives on for twenty seconds.
  std::optional<int> wait();

 private:
  struct Parts;
  LineChild();
  std::unique_ptr<Parts> parts_;
};

}  // namespace client_test

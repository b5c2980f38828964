// replay_client BINARY FILES...: protocol/vectors through the C++ client's `Child`. One line per
// file; exit code 1 when any failed.
#include "line_child.h"
#include "support/temp_folder.h"
#include "transcripts/replay.h"
#include "transcripts/terminal.h"

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tallygate {
namespace {

Error failed(std::string message) { return Error{ErrorCode::usage, std::move(message), {}}; }

// As tests/transcripts/spawned.h, but that the client starts it and speaks to it.
class ByClient {
 public:
  ByClient(std::string binary, std::string policy)
      : binary_(std::move(binary)), policy_(std::move(policy)) {}

  Step start_again() {
    std::vector<std::string> command{"/usr/bin/env", "-i", "-C", folder_.path().string()};
    for (const std::string& variable : variables()) command.push_back(variable);
    command.insert(command.end(), {binary_, "serve"});
    if (!policy_.empty()) command.insert(command.end(), {"-c", copy()});
    std::string error;
    input_ended_ = false;
    child_ = client_test::LineChild::spawn(command, folder_.file("stderr"), error);
    return child_ ? Step(Done{}) : Step(failed(error));
  }

  Step start() {
    std::error_code error;
    if (!policy_.empty()) std::filesystem::copy_file(policy_, copy(), error);
    return error ? Step(failed(error.message())) : start_again();
  }

  Step send(std::string_view bytes) {
    if (input_ended_ || !child_->write(bytes)) return failed("the sidecar reads no more");
    return Done{};
  }
  std::optional<std::string> next_line() { return child_->next_line(); }
  Step end_input() {
    if (input_ended_) return failed("the input has ended");
    input_ended_ = true;
    child_->end_input();
    return Done{};
  }
  Step advance(std::int64_t) { return failed("nobody moves this clock"); }
  Step set_host_reads(bool) { return failed("what a socket takes has left"); }

  Step act(const OperatorAct& act) {
    std::vector<std::string> command{binary_};
    for (std::string& word : command_words(act)) command.push_back(std::move(word));
    if (!policy_.empty()) command.insert(command.end(), {"-c", copy()});
    return run_at_terminal(command, variables());
  }

  Step kill() {
    if (!input_ended_) {
      child_->kill();
      child_->wait();
      return Done{};
    }
    const Result<std::optional<int>> code = exit_code();
    if (!code) return code.error();
    return code->value_or(0) == 0 ? Step(Done{}) : Step(failed("another exit code than 0"));
  }

  Result<std::optional<int>> exit_code() {
    const std::optional<int> status = child_->wait();
    if (!status) return failed("the sidecar did not end within 20 s");
    if (!WIFEXITED(*status)) return failed("killed by signal " + std::to_string(WTERMSIG(*status)));
    return std::optional<int>(WEXITSTATUS(*status));
  }

  std::string diagnosis() const {
    std::ifstream file(folder_.file("stderr"));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string copy() const {
    return folder_.file(std::filesystem::path(policy_).filename().string());
  }

  std::vector<std::string> variables() const {
    std::vector<std::string> made{"HOME=" + folder_.path().string(),
                                  "XDG_STATE_HOME=" + folder_.file("state"),
                                  "XDG_CONFIG_HOME=" + folder_.file("config")};
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
      if (const char* value = std::getenv(name)) made.push_back(std::string(name) + "=" + value);
    }
    return made;
  }

  TempFolder folder_;
  std::string binary_, policy_;
  bool input_ended_ = false;
  std::unique_ptr<client_test::LineChild> child_;
};

bool passes(const std::string& binary, const std::string& path) {
  const Result<Vector> vector = read_vector(path);
  if (!vector) {
    std::printf("FAIL %s\n", vector.error().message.c_str());
    return false;
  }
  if (!vector->beyond_binary.empty()) {
    std::printf("skipped %s: %s\n", path.c_str(), vector->beyond_binary.c_str());
    return true;
  }
  ByClient sidecar(binary, vector->policy);
  if (const Step step = sidecar.start(); !step) {
    std::printf("FAIL %s: %s\n", path.c_str(), step.error().message.c_str());
    return false;
  }
  const auto failure = Replay<ByClient>(sidecar).run(*vector);
  if (failure) {
    std::printf("FAIL %s:%zu: %s\n  expected %.2000s\n  got      %.2000s\n  stderr   %s\n",
                path.c_str(), failure->line, failure->what.c_str(), failure->expected.c_str(),
                failure->got.c_str(), sidecar.diagnosis().c_str());
  } else {
    std::printf("ok   %s\n", path.c_str());
  }
  return !failure;
}

}  // namespace
}  // namespace tallygate

int main(int argc, char** argv) {
  try {
    bool all = argc > 2;
    for (int at = 2; at < argc; ++at) all = tallygate::passes(argv[1], argv[at]) && all;
    return all ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay_client: %s\n", error.what());
    return 1;
  }
}

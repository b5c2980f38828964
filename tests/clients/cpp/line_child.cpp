#include "line_child.h"

#include <future>
#include <tallygate/child.hpp>

namespace client_test {
namespace {
constexpr std::chrono::seconds patience{20};
}

struct LineChild::Parts {
  std::unique_ptr<tallygate::Child> child;
};

LineChild::LineChild() : parts_(std::make_unique<Parts>()) {}
LineChild::~LineChild() = default;

std::unique_ptr<LineChild> LineChild::spawn(const std::vector<std::string>& command,
                                            const std::string& stderr_file, std::string& error) {
  auto child = tallygate::Child::spawn(command, stderr_file);
  if (!child) {
    error = child.error().text;
    return nullptr;
  }
  std::unique_ptr<LineChild> made(new LineChild);
  made->parts_->child = std::move(*child);
  return made;
}

bool LineChild::write(std::string_view line) { return parts_->child->write(line); }

std::optional<std::string> LineChild::next_line() {
  auto line = std::async(std::launch::async, [this] { return parts_->child->next_line(); });
  if (line.wait_for(patience) != std::future_status::ready) parts_->child->kill();
  return line.get();
}

void LineChild::end_input() { parts_->child->end_input(); }
void LineChild::kill() { parts_->child->kill(); }
std::optional<int> LineChild::wait() { return parts_->child->wait(patience); }

}  // namespace client_test

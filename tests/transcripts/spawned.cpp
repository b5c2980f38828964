#include "transcripts/spawned.h"

#include "transcripts/terminal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/args.hpp>
#include <boost/process/v1/child.hpp>
#include <boost/process/v1/env.hpp>
#include <boost/process/v1/environment.hpp>
#include <boost/process/v1/error.hpp>
#include <boost/process/v1/exe.hpp>
#include <boost/process/v1/io.hpp>
#include <boost/process/v1/pipe.hpp>
#include <boost/process/v1/start_dir.hpp>
namespace bp = boost::process::v1;
#else
#include <boost/process.hpp>
namespace bp = boost::process;
#endif

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace tallygate {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{20};

Error failed(std::string message) { return Error{ErrorCode::usage, std::move(message), {}}; }

// Whether the descriptor became ready before the deadline.
bool wait_for(int descriptor, short what, SteadyClock::time_point deadline) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return false;
    pollfd wanted{descriptor, what, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// Nothing of ours but what a sanitizer needs: the state, the configuration and $HOME lie in
// `folder`.
std::vector<std::string> variables_in(const std::filesystem::path& folder) {
  std::vector<std::string> variables;
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  variables.push_back("HOME=" + folder.string());
  variables.push_back("XDG_STATE_HOME=" + (folder / "state").string());
  variables.push_back("XDG_CONFIG_HOME=" + (folder / "config").string());
  return variables;
}

bp::environment environment_of(const std::vector<std::string>& variables) {
  bp::environment environment;
  for (const std::string& variable : variables) {
    const std::size_t split = variable.find('=');
    environment[variable.substr(0, split)] = variable.substr(split + 1);
  }
  return environment;
}

}  // namespace

struct Spawned::Process {
  ~Process() { end(); }

  void end() {
    std::error_code ignored;
    if (!child.running(ignored)) return;
    ::kill(child.id(), SIGKILL);
    child.wait(ignored);
  }

  bp::pipe input, output;
  bp::child child;
  std::string buffer;
  std::size_t scanned = 0;  // up to here the buffer holds no line end
};

Spawned::Spawned() : folder_(std::make_unique<TempFolder>()) {}
Spawned::~Spawned() = default;

Result<std::unique_ptr<Spawned>> Spawned::start(const std::string& binary, const Vector& vector) {
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<Spawned> sidecar(new Spawned);
  sidecar->binary_ = std::filesystem::absolute(binary).string();
  if (!vector.policy.empty()) {
    const std::filesystem::path copy =
        sidecar->folder_->path() / std::filesystem::path(vector.policy).filename();
    std::error_code error;
    std::filesystem::copy_file(vector.policy, copy, error);
    if (error) return failed(vector.policy + ": " + error.message());
    sidecar->configuration_ = {"-c", copy.string()};
  }
  if (const Step step = sidecar->start_again(); !step) return step.error();
  return sidecar;
}

Step Spawned::start_again() {
  process_ = std::make_unique<Process>();
  Process& process = *process_;
  const std::filesystem::path folder = folder_->path();
  std::vector<std::string> arguments{"serve"};
  arguments.insert(arguments.end(), configuration_.begin(), configuration_.end());
  // Our ends must not be inherited by the next child.
  ::fcntl(process.input.native_sink(), F_SETFD, FD_CLOEXEC);
  ::fcntl(process.output.native_source(), F_SETFD, FD_CLOEXEC);
  std::error_code error;
  process.child = bp::child(bp::exe = binary_, bp::args = arguments,
                            environment_of(variables_in(folder)), bp::start_dir = folder.string(),
                            bp::std_in<process.input, bp::std_out> process.output,
                            bp::std_err > (folder / "stderr").string(), error);
  if (error) return failed(binary_ + ": " + error.message());
  ::fcntl(process.input.native_sink(), F_SETFL, O_NONBLOCK);
  return Done{};
}

Step Spawned::kill() {
  const bool ends_by_itself = process_->input.native_sink() < 0;
  if (ends_by_itself) {
    const Result<std::optional<int>> code = exit_code();
    if (!code) return code.error();
    if (code->value_or(0) != 0) return failed("exit code " + std::to_string(**code));
  }
  process_->end();
  return Done{};
}

Step Spawned::act(const OperatorAct& act) {
  std::vector<std::string> command{binary_};
  for (std::string& word : command_words(act)) command.push_back(std::move(word));
  command.insert(command.end(), configuration_.begin(), configuration_.end());
  return run_at_terminal(command, variables_in(folder_->path()));
}

Step Spawned::send(std::string_view bytes) {
  const int sink = process_->input.native_sink();
  const auto deadline = SteadyClock::now() + patience;
  while (!bytes.empty()) {
    const ssize_t size = ::write(sink, bytes.data(), bytes.size());
    if (size > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno != EAGAIN && errno != EINTR) {
      return failed("the sidecar reads no more");
    } else if (!wait_for(sink, POLLOUT, deadline)) {
      return failed("the sidecar took nothing for 20 s");
    }
  }
  return Done{};
}

std::optional<std::string> Spawned::next_line() {
  std::string& buffer = process_->buffer;
  const auto deadline = SteadyClock::now() + patience;
  std::array<char, 65536> chunk;
  while (true) {
    const std::size_t end = buffer.find('\n', process_->scanned);
    if (end != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      process_->scanned = 0;
      return line;
    }
    process_->scanned = buffer.size();
    const int source = process_->output.native_source();
    if (!wait_for(source, POLLIN, deadline)) return std::nullopt;
    const ssize_t size = ::read(source, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    buffer.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

Step Spawned::end_input() {
  if (process_->input.native_sink() < 0) return failed("the input has ended");
  ::close(process_->input.native_sink());
  process_->input.assign_sink(-1);
  return Done{};
}

Step Spawned::advance(std::int64_t) { return failed("nobody moves this clock"); }

Step Spawned::set_host_reads(bool) { return failed("what a pipe takes has left"); }

Result<std::optional<int>> Spawned::exit_code() {
  const auto deadline = SteadyClock::now() + patience;
  std::error_code error;
  while (process_->child.running(error)) {
    if (SteadyClock::now() >= deadline) return failed("the sidecar did not end within 20 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const int status = process_->child.native_exit_code();
  if (!WIFEXITED(status)) return failed("killed by signal " + std::to_string(WTERMSIG(status)));
  return std::optional<int>(WEXITSTATUS(status));
}

std::string Spawned::diagnosis() const {
  std::ifstream file(folder_->path() / "stderr");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tallygate

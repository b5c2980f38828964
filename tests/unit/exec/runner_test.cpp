// Real commands: how they begin, what they have, how they end, and that nothing of them is left.
#include "protocol/limits.h"
#include "support/temp_folder.h"
#include "unit/exec/commands.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tallygate {
namespace {

using How = ExecutionEnded::How;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Neither a child nor a zombie of ours.
bool has_no_child() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

TEST_CASE_METHOD(RunnerTest, "a command gets its argv, its environment and nothing else",
                 "[exec]") {
  ::setenv("TALLYGATE_TEST_PASSED", "passed on", 1);
  ::setenv("TALLYGATE_TEST_SECRET", "secret", 1);
  Command command;
  command.argv = {"/usr/bin/env"};
  command.env = {{"A", "1 2"}};
  command.pass_env = {"TALLYGATE_TEST_PASSED", "TALLYGATE_TEST_UNSET"};
  const ExecutionEnded end = ran(command);
  CHECK(end.how == How::exited);
  CHECK(end.number == 0);
  std::istringstream lines(end.out);
  std::vector<std::string> seen;
  for (std::string line; std::getline(lines, line);) seen.push_back(line);
  std::ranges::sort(seen);
  CHECK(seen == std::vector<std::string>{"A=1 2", "TALLYGATE_ACTION=action-1",
                                         "TALLYGATE_TEST_PASSED=passed on"});
  command.argv = {"/usr/bin/printf", "%s|", "a b", "", "$(x)", "*"};
  CHECK(ran(command).out == "a b||$(x)|*|");
}

TEST_CASE_METHOD(RunnerTest, "a command inherits no descriptor, signal or group of ours",
                 "[exec]") {
  ::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const int open_here = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  const ExecutionEnded end =
      ran(shell("ls /proc/self/fd | wc -l; grep -E 'Sig(Ign|Blk)' /proc/self/status | cut -f2; "
                "cut -d' ' -f1,5,6 /proc/$$/stat; readlink /proc/$$/fd/0"));
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  ::close(open_here);
  const std::string pid = std::to_string(forked.at(1).pid);
  // ls itself has its folder open, beside the three.
  CHECK(end.out ==
        "4\n0000000000000000\n0000000000000000\n" + pid + " " + pid + " " + pid + "\n/dev/null\n");
}

TEST_CASE_METHOD(RunnerTest, "the arguments' text comes on stdin, whole and ended", "[exec]") {
  Command command = shell("cat");
  command.input = std::string(limits::args_size_max, 'x');
  CHECK(ran(command).out == command.input);
  command = shell("exit 5");  // who reads nothing of it is not disturbed
  command.input = std::string(limits::args_size_max, 'x');
  CHECK(ran(command).number == 5);
}

TEST_CASE_METHOD(RunnerTest, "exit codes and signals are told apart", "[exec]") {
  ExecutionEnded end = ran(shell("echo out; echo err >&2; exit 9"));
  CHECK((end.how == How::exited && end.number == 9));
  CHECK((end.out == "out\n" && end.err == "err\n"));
  end = ran(shell("kill -9 $$"));
  CHECK((end.how == How::signalled && end.number == SIGKILL));
  CHECK_FALSE(end.was_stopped);
}

TEST_CASE_METHOD(RunnerTest, "a program that cannot run says why", "[exec]") {
  TempFolder folder;
  std::ofstream(folder.file("text")) << "no program";
  std::filesystem::create_directory(folder.path() / "sub");
  Command command;
  const auto fault = [&](const std::string& program) {
    command.argv = {program};
    const ExecutionEnded end = ran(command);
    CHECK(end.how == How::not_started);
    CHECK(end.place == "cannot run " + program);
    return end.number;
  };
  CHECK(fault(folder.file("missing")) == ENOENT);
  CHECK(fault(folder.file("text")) == EACCES);
  CHECK(fault(folder.file("sub")) == EACCES);
  std::filesystem::permissions(folder.file("text"), std::filesystem::perms{0700});
  CHECK(fault(folder.file("text")) == ENOEXEC);
  command.argv = {"/bin/echo", std::string(200'000, 'x')};
  CHECK(ran(command).number == E2BIG);
  command.argv = {"/bin/true"};
  command.cwd = folder.file("missing");
  const ExecutionEnded end = ran(command);
  CHECK((end.how == How::not_started && end.number == ENOENT));
  CHECK(end.place == "cannot enter " + command.cwd);
  command.argv = {"/bin/pwd"};
  command.cwd = folder.path().string();
  CHECK(ran(command).out == command.cwd + "\n");
}

TEST_CASE_METHOD(RunnerTest, "nothing runs before it is released", "[exec]") {
  TempFolder folder;
  releases = false;
  const std::int64_t id = begin(shell("touch " + folder.file("ran")));
  REQUIRE(run_until([&] { return forked.contains(id); }));
  run_until([] { return false; }, std::chrono::milliseconds(200));
  CHECK_FALSE(std::filesystem::exists(folder.file("ran")));
  Effects effects;
  SECTION("and then it does") {
    effects.released.push_back(id);
    runner->carry_out(effects);
    CHECK(end_of(id).number == 0);
    CHECK(std::filesystem::exists(folder.file("ran")));
  }
  SECTION("and never, once it is withdrawn") {
    effects.withdrawn.push_back(id);
    runner->carry_out(effects);
    REQUIRE(run_until(has_no_child));
    CHECK(ended.empty());
    CHECK_FALSE(std::filesystem::exists(folder.file("ran")));
  }
}

TEST_CASE_METHOD(RunnerTest, "a command that is told to stop may end in its own way", "[exec]") {
  const std::int64_t id =
      begin(shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"));
  REQUIRE(run_until([&] { return forked.contains(id); }));
  run_until([] { return false; }, std::chrono::milliseconds(300));
  stop(id, 10'000);
  const ExecutionEnded end = end_of(id);
  CHECK(end.was_stopped);
  CHECK((end.how == How::exited && end.number == 7));
  CHECK(end.out == "up\nbye\n");
  CHECK(end.elapsed_ms < 5000);
}

TEST_CASE_METHOD(RunnerTest, "one that does not is killed after its grace, with its group",
                 "[exec]") {
  TempFolder folder;
  const std::int64_t id = begin(shell("trap '' TERM; (trap '' TERM; sleep 1000) & echo $! > " +
                                      folder.file("pid") + "; wait; sleep 1000"));
  REQUIRE(run_until([&] {
    return std::filesystem::exists(folder.file("pid")) && !text_of(folder.file("pid")).empty();
  }));
  stop(id, 60'000);
  stop(id, 200);  // the sooner counts
  const ExecutionEnded end = end_of(id);
  CHECK((end.how == How::signalled && end.number == SIGKILL));
  CHECK(end.was_stopped);
  const std::int64_t child = std::stoll(text_of(folder.file("pid")));
  CHECK(run_until([&] { return !is_alive(child); }));
}

TEST_CASE_METHOD(RunnerTest, "an end that came first is no stop", "[exec]") {
  const std::int64_t id = begin(shell("exit 0"));
  REQUIRE(run_until([&] { return forked.contains(id); }));
  ::usleep(300'000);  // it has ended, and the loop has not looked
  stop(id, 1000);
  CHECK_FALSE(end_of(id).was_stopped);
}

TEST_CASE_METHOD(RunnerTest, "who holds its pipes does not hold its end, and is ended", "[exec]") {
  TempFolder folder;
  const ExecutionEnded end =
      ran(shell("sleep 1000 & echo $! > " + folder.file("pid") + "; echo done"));
  CHECK(end.number == 0);
  CHECK(end.out == "done\n");
  CHECK(end.was_held_open);
  CHECK(end.elapsed_ms < 5000);
  const std::int64_t child = std::stoll(text_of(folder.file("pid")));
  CHECK(run_until([&] { return !is_alive(child); }));
}

TEST_CASE_METHOD(RunnerTest, "a daemon that left session and group is ended as well", "[exec]") {
  TempFolder folder;
  const ExecutionEnded end =
      ran(shell("setsid sh -c 'echo $$ > " + folder.file("pid") +
                "; exec sleep 1000' >/dev/null 2>&1 </dev/null & while [ ! -s " +
                folder.file("pid") + " ]; do sleep 0.01; done; echo done"));
  CHECK(end.out == "done\n");
  CHECK_FALSE(end.was_held_open);
  const std::int64_t daemon = std::stoll(text_of(folder.file("pid")));
  CHECK(run_until([&] { return !is_alive(daemon); }));
  CHECK(run_until(has_no_child));
}

TEST_CASE_METHOD(RunnerTest, "output past the cap is read, dropped and counted", "[exec]") {
  const ExecutionEnded end =
      ran(shell("head -c 4000000 /dev/zero; head -c 200000 /dev/zero >&2; echo last >&2"));
  CHECK(end.number == 0);
  CHECK(end.out.size() == limits::output_size_max);
  CHECK(end.out_dropped == 4'000'000 - limits::output_size_max);
  CHECK(end.err.size() == limits::stderr_kept_max);
  CHECK(end.err.ends_with("last\n"));
}

TEST_CASE_METHOD(RunnerTest, "more commands than may run at once wait in order", "[exec]") {
  const auto all = static_cast<std::int64_t>(limits::executions_max + 40);
  releases = false;
  for (std::int64_t i = 0; i < all; ++i) begin(shell("exit 0"));
  run_until([] { return false; }, std::chrono::milliseconds(300));
  CHECK(forked.size() == limits::executions_max);
  CHECK(forked.rbegin()->first == static_cast<std::int64_t>(limits::executions_max));
  releases = true;
  Effects effects;
  for (const auto& [id, mark] : forked) effects.released.push_back(id);
  effects.withdrawn.push_back(all);  // one that waits
  runner->carry_out(effects);
  CHECK(run_until([&] { return ended.size() == static_cast<std::size_t>(all - 1); }));
  run_until([] { return false; }, std::chrono::milliseconds(50));
  CHECK_FALSE(ended.contains(all));
  CHECK(has_no_child());
}

TEST_CASE_METHOD(RunnerTest, "nothing outlives the runner", "[exec]") {
  TempFolder folder;
  const int many = 20;
  for (int i = 0; i < many; ++i) {
    begin(shell("trap '' TERM; sleep 1000 & echo $! > " + folder.file(std::to_string(i)) +
                "; setsid sleep 1000 & wait"));
  }
  REQUIRE(run_until([&] {
    for (int i = 0; i < many; ++i) {
      if (text_of(folder.file(std::to_string(i))).empty()) return false;
    }
    return true;
  }));
  runner.reset();
  for (int i = 0; i < many; ++i) {
    CHECK_FALSE(is_alive(std::stoll(text_of(folder.file(std::to_string(i))))));
  }
  CHECK(has_no_child());
}

TEST_CASE_METHOD(RunnerTest, "SIGCHLD that was inherited as ignored loses no end", "[exec]") {
  runner.reset();
  ::signal(SIGCHLD, SIG_IGN);
  make();
  CHECK(ran(shell("exit 4")).number == 4);
}

}  // namespace
}  // namespace tallygate

// What a dead sidecar left running: who belongs to it, and who does not.
#include "exec/survivors.h"

#include "exec/process_table.h"
#include "unit/exec/commands.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace tallygate {
namespace {

// A process that nobody watches and that leads a session. Its environment holds this entry.
class Left {
 public:
  explicit Left(std::string entry) {
    std::array<int, 2> gate{};
    REQUIRE(::pipe2(gate.data(), O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      std::array<char*, 2> environment{entry.data(), nullptr};
      std::string program = "/bin/sleep", time = "1000";
      std::array<char*, 3> argv{program.data(), time.data(), nullptr};
      ::execve(program.c_str(), argv.data(), environment.data());
      ::_exit(1);
    }
    ::close(gate[1]);
    char none = 0;
    CHECK(::read(gate[0], &none, 1) == 0);  // closed by its exec
    ::close(gate[0]);
  }
  ~Left() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::int64_t pid() const { return pid_; }
  bool is_dead() const {
    const auto process = read_process(pid_);
    return !process || process->is_zombie;
  }

 private:
  pid_t pid_ = -1;
};

bool end_all(const Effects::Orphans& orphans) {
  for (int look = 0; look < 1000; ++look) {
    if (!end_survivors({orphans}).empty()) return true;
    ::usleep(1000);
  }
  return false;
}

TEST_CASE("a process that names the call is of it, wherever it went", "[exec]") {
  const Left mine("TALLYGATE_ACTION=call-1");
  const Left other("TALLYGATE_ACTION=call-11");
  CHECK(end_all({1, "call-1", {"another boot", 1, 1}}));
  CHECK(mine.is_dead());
  CHECK_FALSE(other.is_dead());
}

TEST_CASE("the recorded leader's session is of it while the leader is the recorded one", "[exec]") {
  const Left leader("A=1");
  const ProcessMark mark = mark_of(leader.pid());
  CHECK(mark.place == this_place());
  CHECK(mark.started > 0);
  SECTION("the same") {
    CHECK(end_all({1, "call-2", mark}));
    CHECK(leader.is_dead());
  }
  SECTION("another that got its pid") {
    ProcessMark old = mark;
    --old.started;
    CHECK(end_all({1, "call-2", old}));
    CHECK_FALSE(leader.is_dead());
  }
  SECTION("another boot, or another pid namespace") {
    ProcessMark elsewhere = mark;
    elsewhere.place += "x";
    CHECK(end_all({1, "call-2", elsewhere}));
    CHECK_FALSE(leader.is_dead());
  }
}

TEST_CASE("of many executions each loses its own, and is told of by itself", "[exec]") {
  const Left first("TALLYGATE_ACTION=call-5"), second("TALLYGATE_ACTION=call-6");
  const std::vector<Effects::Orphans> both{{5, "call-5", {"another boot", 1, 1}},
                                           {7, "call-7", {"another boot", 1, 1}}};
  const auto over = end_survivors(both);
  REQUIRE(over.size() == 1);
  CHECK(over[0].action == 7);
  CHECK(end_all(both[0]));
  CHECK(first.is_dead());
  CHECK_FALSE(second.is_dead());
}

TEST_CASE("nobody is ended where nobody is left", "[exec]") {
  CHECK(end_survivors({{1, "call-3", {this_place(), 1 << 22, 5}}}).size() == 1);
}

TEST_CASE_METHOD(RunnerTest, "a runner ends what it is told of, and says when it is gone",
                 "[exec]") {
  const Left mine("TALLYGATE_ACTION=call-4");
  Effects effects;
  effects.orphans.push_back({17, "call-4", {"another boot", 1, 1}});
  runner->carry_out(effects);
  runner->carry_out(effects);  // told again meanwhile: once is enough
  REQUIRE(run_until([&] { return !gone.empty(); }));
  CHECK(gone == std::vector<std::int64_t>{17});
  CHECK(mine.is_dead());
}

TEST_CASE("the facts of a process are read whatever its name", "[exec]") {
  const auto self = read_process(::getpid());
  REQUIRE(self.has_value());
  CHECK(self->parent == ::getppid());
  CHECK(self->group == ::getpgrp());
  CHECK(self->session == ::getsid(0));
  CHECK_FALSE(self->is_zombie);
  CHECK_FALSE(read_process(1 << 22).has_value());
  const auto all = list_processes();
  CHECK(std::ranges::find(all, ::getpid()) != all.end());
}

}  // namespace
}  // namespace tallygate

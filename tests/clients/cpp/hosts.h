// What these tests share: gates on the real binary and on the Python client's fake peer.
#pragma once

#include "support/catch.h"
#include "support/temp_folder.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <spawn.h>
#include <string>
#include <tallygate.hpp>
#include <vector>

namespace client_test {

using tallygate::ActionResult;
using tallygate::Error;
using tallygate::Gate;
using tallygate::Status;
using Milliseconds = std::chrono::milliseconds;
namespace json = boost::json;

inline constexpr const char* policy_text = R"(
[store]
url = "sqlite:store.db"
durability = "process"
[approvals]
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "0.10"
[tools.search]
cost = "free"
[tools.slow]
cost = "free"
timeout = "300ms"
on_unknown = "in_doubt"
[tools.pay]
cost = {usd = "0.05"}
[tools.ask]
cost = {from = "host", max = {usd = "0.04"}}
[tools.forbidden]
cost = "free"
[tools.sensitive]
cost = "free"
level = 4
[[rules]]
id = "ordinary"
match = {tool = ["search", "slow", "pay", "ask", "sensitive"]}
effect = "allow"
)";

class RealHost {
 public:
  RealHost() { std::ofstream(folder.file("policy.toml")) << policy_text; }

  std::unique_ptr<Gate> start(const std::string& run = {}) const {
    tallygate::Options options;
    options.config = folder.file("policy.toml");
    options.binary = TALLYGATE_BINARY;
    options.run = run;
    options.stderr_file = folder.file("stderr");
    return Gate::start(options).value();
  }

  // What an operator does meanwhile.
  int command(std::vector<std::string> words) const {
    words.insert(words.begin(), TALLYGATE_BINARY);
    words.insert(words.end(), {"-c", folder.file("policy.toml")});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      ::posix_spawn_file_actions_addopen(&files, stream, "/dev/null", O_RDWR, 0);
    }
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, argv.front(), &files, nullptr, argv.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&files);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
  }

  tallygate::TempFolder folder;
};

class FakeHost {
 public:
  // A gate on the fake peer, which misbehaves in the way of `mode`.
  tallygate::Result<std::unique_ptr<Gate>> start(const std::string& mode,
                                                 Milliseconds timeout = Milliseconds(10'000)) {
    const std::string script = folder.file(mode);
    std::ofstream(script) << "#!/bin/sh\nexec python3 -S -E " << TALLYGATE_FAKE_PEER << " " << mode
                          << " \"$@\"\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    tallygate::Options options;
    options.binary = script;
    options.timeout = timeout;
    return Gate::start(options);
  }

  tallygate::TempFolder folder;
};

}  // namespace client_test

// What these tests share: gates on the real binary and on the Python client's fake peer.
#pragma once

#include "support/catch.h"
#include "support/temp_folder.h"

#include <cstdlib>
#include <fstream>
#include <memory>
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
  int command(const std::string& words) const {
    const std::string line = std::string(TALLYGATE_BINARY) + " " + words + " -c " +
                             folder.file("policy.toml") + " >/dev/null 2>&1 </dev/null";
    return std::system(line.c_str());
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

// A child that is measured: an echo, a floor or a sidecar, and the host that calls it.
#pragma once

#include "child.h"
#include "lab.h"
#include "load.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tallygate::bench {

using Argv = std::vector<std::string>;

Argv echo_argv(const Options& options);
// `shared`: other floors use the store at the same time.
Argv floor_argv(const Options& options, const std::filesystem::path& folder, Durability durability,
                bool shared = false);
// `policy` stands beside its store.
Argv sidecar_argv(const Options& options, const std::filesystem::path& policy);

class Subject {
 public:
  // With `names` its calls have callIds.
  explicit Subject(Argv argv, std::optional<std::uint64_t> names = std::nullopt)
      : argv_(std::move(argv)), child_(argv_), host_(child_.pipe(), names) {}

  // For sidecars only.
  void open_session();

  void call(std::int64_t count, int depth) { host_.call(count, depth, times); }
  // Calls that are not timed.
  void warm_up(std::int64_t count, int depth);
  // Throws std::runtime_error when it does not end well.
  void finish();

  Child& child() { return child_; }
  Host& host() { return host_; }

  Host::Times times;

 private:
  Argv argv_;
  Child child_;
  Host host_;
};

// Lets subjects do `calls` each, a few at a time and in turn, so that a noisy moment of the machine
// meets all of them alike. `ran_ns`, when given, is how long each was at it.
void take_turns(std::int64_t calls, std::int64_t per_turn, int depth,
                const std::vector<Subject*>& subjects, std::vector<std::int64_t>* ran_ns = nullptr);

}  // namespace tallygate::bench

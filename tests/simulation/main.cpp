// The simulator: lives through one world per seed and says which seed broke a promise.
#include "simulation/world.h"

#include <sqlite3.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace tallygate::simulation {
namespace {

struct Options {
  std::uint64_t first = 1, last = 100;
  std::int64_t events = 0;  // stop once there were so many; 0: after the last seed
  bool verbose = false, coverage = false, coverage_required = false;
  bool twice = false, expect_failure = false;
};

constexpr std::int64_t events_per_world = 2500;

constexpr const char* usage =
    "simulate [--seed N | --seeds FROM..TO] [--events N] [--verbose] [--twice]\n"
    "         [--coverage] [--coverage-required] [--expect-failure]\n"
    "  --seed N             one world, replayed exactly\n"
    "  --seeds FROM..TO     these worlds, one after the other\n"
    "  --events N           goes on from the first seed until there were N events\n"
    "  --verbose            prints every line in and out\n"
    "  --twice              lives through each world twice and compares the transcripts\n"
    "  --coverage           prints what was visited\n"
    "  --coverage-required  fails where something was not that a default run must visit\n"
    "  --expect-failure     succeeds when a world fails: for mutants\n";

struct Lived {
  std::string complaint;
  std::int64_t events = 0;
  std::uint64_t digest = 0;
};

// What is lived through, for who aborts.
volatile std::sig_atomic_t seed_in_hand = 0;
volatile std::sig_atomic_t aborts_well = 0;

void die_telling(int) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, "FAILED seed %d: the program aborted\n",
                                 static_cast<int>(seed_in_hand));
  const bool told = ::write(STDOUT_FILENO, text, static_cast<std::size_t>(size)) == size;
  ::_exit(told && aborts_well != 0 ? 0 : 1);
}

Lived live(std::uint64_t seed, Coverage& coverage, bool verbose) {
  seed_in_hand = static_cast<std::sig_atomic_t>(seed);
  const TempFolder folder;
  World world(seed, folder.path().string(), coverage, verbose);
  Lived lived;
  lived.complaint = world.run(events_per_world);
  lived.events = world.events();
  lived.digest = world.digest();
  return lived;
}

bool read_options(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool more = i + 1 < count;
    if (word == "--seed" && more) {
      options.first = options.last = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--seeds" && more) {
      char* rest = nullptr;
      options.first = std::strtoull(words[++i], &rest, 10);
      if (std::strncmp(rest, "..", 2) != 0) return false;
      options.last = std::strtoull(rest + 2, nullptr, 10);
    } else if (word == "--events" && more) {
      options.events = std::strtoll(words[++i], nullptr, 10);
    } else if (word == "--verbose") {
      options.verbose = true;
    } else if (word == "--coverage") {
      options.coverage = true;
    } else if (word == "--coverage-required") {
      options.coverage_required = true;
    } else if (word == "--twice") {
      options.twice = true;
    } else if (word == "--expect-failure") {
      options.expect_failure = true;
    } else {
      return false;
    }
  }
  return true;
}

// The first broken promise, with its seed; empty: none.
std::string live_all(const Options& options, Coverage& coverage, std::int64_t& events) {
  const bool by_events = options.events > 0;
  for (std::uint64_t seed = options.first;
       by_events ? events < options.events : seed <= options.last; ++seed) {
    Lived lived = live(seed, coverage, options.verbose);
    events += lived.events;
    ++coverage.count("worlds");
    if (options.twice && lived.complaint.empty()) {
      const Lived again = live(seed, coverage, false);
      if (again.digest != lived.digest) lived.complaint = "two lives of one seed differ";
    }
    if (!lived.complaint.empty()) {
      return "seed " + std::to_string(seed) + ": " + lived.complaint +
             "\n  replay: simulate --seed " + std::to_string(seed) + " --verbose";
    }
  }
  return {};
}

// One thread lives through everything, so SQLite needs neither locks nor counters of its own.
void hasten_sqlite() {
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 256, 1000);
}

int run(const Options& options) {
  hasten_sqlite();
  aborts_well = options.expect_failure ? 1 : 0;
  std::signal(SIGABRT, die_telling);
  Coverage coverage;
  std::int64_t events = 0;
  std::string failure = live_all(options, coverage, events);
  if (options.coverage) coverage.print();
  if (options.coverage_required && failure.empty()) failure = coverage.missing();
  std::printf("%lld events in %lld worlds\n", static_cast<long long>(events),
              static_cast<long long>(coverage.counted("worlds")));
  if (!failure.empty()) std::printf("FAILED %s\n", failure.c_str());
  return failure.empty() == options.expect_failure ? 1 : 0;
}

}  // namespace
}  // namespace tallygate::simulation

int main(int count, char** words) {
  // Where there is memory for it, the few real files need no disk.
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
  tallygate::simulation::Options options;
  if (!tallygate::simulation::read_options(count, words, options)) {
    std::fputs(tallygate::simulation::usage, stderr);
    return 2;
  }
  return tallygate::simulation::run(options);
}

// replay_vectors [--in-process | --binary PATH] FILES...: one line per vector. Exit code 1 when any
// failed, 4 when all were skipped, 2 when called wrongly.
#include "transcripts/in_process.h"
#include "transcripts/replay.h"
#include "transcripts/spawned.h"

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_skipped = 4;
constexpr std::size_t shown_max = 2000;  // of a line; some are megabytes long

struct Tally {
  int passed = 0, failed = 0, skipped = 0;
};

void show(const char* word, const std::string& text) {
  if (text.empty()) return;
  const char* cut = text.size() > shown_max ? "..." : "";
  std::printf("     %s %s%s\n", word, text.substr(0, shown_max).c_str(), cut);
}

void report(const Vector& vector, const Failure& failure, const std::string& diagnosis) {
  std::printf("FAIL %s:%zu: %s\n", vector.path.c_str(), failure.line, failure.what.c_str());
  show("expected", failure.expected);
  show("got     ", failure.got);
  show("stderr  ", diagnosis);
}

template <class Sidecar>
bool passes(const Vector& vector, Result<std::unique_ptr<Sidecar>> sidecar) {
  if (!sidecar) {
    report(vector, {0, sidecar.error().message, {}, {}}, {});
    return false;
  }
  const auto failure = Replay<Sidecar>(**sidecar).run(vector);
  if (failure) {
    report(vector, *failure, (*sidecar)->diagnosis());
  } else {
    std::printf("ok   %s\n", vector.path.c_str());
  }
  return !failure;
}

void replay(const std::string& path, const std::string& binary, Tally& tally) {
  const Result<Vector> vector = read_vector(path);
  if (!vector) {
    std::printf("FAIL %s\n", vector.error().message.c_str());
    ++tally.failed;
  } else if (!vector->beyond_binary.empty() && !binary.empty()) {
    std::printf("skipped %s: %s, which only the run in process can follow\n", path.c_str(),
                vector->beyond_binary.c_str());
    ++tally.skipped;
  } else {
    const bool passed = binary.empty() ? passes(*vector, InProcess::start(*vector))
                                       : passes(*vector, Spawned::start(binary, *vector));
    ++(passed ? tally.passed : tally.failed);
  }
}

int complain(const char* what) {
  std::fprintf(stderr, "%s\nusage: replay_vectors [--in-process | --binary PATH] FILES...\n", what);
  return exit_usage;
}

int run(const std::vector<std::string>& arguments) {
  std::string binary;
  std::size_t next = 0;
  if (next < arguments.size() && arguments[next] == "--in-process") {
    ++next;
  } else if (next < arguments.size() && arguments[next] == "--binary") {
    if (arguments.size() < 2) return complain("--binary wants a path");
    binary = arguments[1];
    next = 2;
  }
  if (next == arguments.size()) return complain("no file given");
  Tally tally;
  for (; next < arguments.size(); ++next) {
    if (arguments[next].starts_with("-")) return complain("options stand before the files");
    replay(arguments[next], binary, tally);
  }
  if (tally.failed > 0) return exit_failed;
  return tally.passed == 0 ? exit_skipped : 0;
}

}  // namespace
}  // namespace tallygate

int main(int argc, char** argv) {
  try {
    return tallygate::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay_vectors: %s\n", error.what());
    return 1;
  }
}

// NAME_replay [--floor] [--rounds N] FILES AND FOLDERS...: each input once as it is, then N times
// slightly changed, by dice that its name and round seed. With --floor, fails when a function that
// the corpus must reach was not.
#include "fuzz/floor.h"
#include "fuzz/mutation.h"
#include "fuzz/target.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

struct Options {
  bool checks_floor = false;
  int rounds = 0;
  std::vector<fs::path> inputs;
};

void add_inputs(const fs::path& path, std::vector<fs::path>& inputs) {
  if (!fs::is_directory(path)) return inputs.push_back(path);
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) inputs.push_back(entry.path());
  }
}

Options read_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--floor") {
      options.checks_floor = true;
    } else if (words[i] == "--rounds" && i + 1 < words.size()) {
      options.rounds = std::stoi(words[++i]);
    } else {
      add_inputs(words[i], options.inputs);
    }
  }
  std::ranges::sort(options.inputs);
  return options;
}

std::string read_input(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// FNV-1a: the same number for the same name on every machine.
std::uint64_t seed_of(const std::string& name) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3;
  return hash;
}

// Says what it is about to do before it does: a failed CHECK ends the program.
void play(const fs::path& path, int rounds) {
  const std::string input = read_input(path);
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  fuzz_one(input);
  keep_reached();
  for (int round = 1; round <= rounds; ++round) {
    std::printf("  round %d\n", round);
    std::fflush(stdout);
    Dice dice(seed_of(path.filename().string()) + static_cast<std::uint64_t>(round));
    fuzz_one(mutated(input, dice));
    keep_reached();
  }
}

int check_floor() {
  const auto missing = not_reached(must_reach);
  if (!missing) {
    std::printf("built without counters: configure with TALLYGATE_COUNT=ON\n");
    return 2;
  }
  for (const std::string& one : *missing) std::printf("FLOOR %s\n", one.c_str());
  std::printf("%zu of %zu functions reached\n", must_reach.size() - missing->size(),
              must_reach.size());
  return missing->empty() ? 0 : 1;
}

int run(const std::vector<std::string>& words) {
  const Options options = read_options(words);
  if (options.inputs.empty()) {
    std::printf("no input: name files or folders that hold some\n");
    return 2;
  }
  for (const fs::path& input : options.inputs) play(input, options.rounds);
  std::printf("%zu inputs\n", options.inputs.size());
  return options.checks_floor ? check_floor() : 0;
}

}  // namespace
}  // namespace tallygate

int main(int argc, char** argv) {
  try {
    return tallygate::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 2;
  }
}

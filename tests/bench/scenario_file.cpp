// What a call takes on the disk, once the log has been moved into the main file.
#include "rows.h"
#include "scenarios.h"
#include "store_facts.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr int depth = 64;
const Target bytes_target{Bound::at_most, 1500, false, {}};

}  // namespace

void measure_file(const Options& options, Lab& lab, Report& report) {
  constexpr std::uint64_t seed = 1;
  const std::int64_t calls = options.sizes.file_calls;
  const std::filesystem::path floor_folder = lab.fresh_folder();
  const std::filesystem::path folder = lab.fresh_folder();
  Subject floor(floor_argv(options, floor_folder, Durability::process), seed);
  Subject governed(
      sidecar_argv(options, write_policy(folder, Durability::process, options.budgets)), seed);
  governed.open_session();
  for (Subject* subject : {&floor, &governed}) {
    subject->call(calls, depth);
    subject->finish();
  }
  expect_same_rows(rows_per_call(store_of(floor_folder), calls),
                   rows_per_call(store_of(folder), calls));
  const auto bytes = [&](const std::filesystem::path& of) {
    return static_cast<double>(bytes_after_checkpoint(store_of(of))) / static_cast<double>(calls);
  };
  report.rows.push_back({"file", std::to_string(calls) + " calls", "store per call", "bytes",
                         bytes(folder), "floor", bytes(floor_folder),
                         ratio_of({bytes(folder)}, {bytes(floor_folder)}), bytes_target});
  Lab::clear(floor_folder);
  Lab::clear(folder);
}

}  // namespace tallygate::bench

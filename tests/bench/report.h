// The table of a run: as text for people, as JSON for machines, as a picture of its ratios.
#pragma once

#include "figures.h"
#include "options.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate::bench {

enum class Bound { at_most, at_least, exactly };

// What a row should come to. `of_ratio`: its ratio should, else its value.
struct Target {
  Bound bound = Bound::at_most;
  double limit = 0;
  bool of_ratio = false;
  std::optional<double> aim;  // better still
};
constexpr Target ratio_at_most(double limit) { return {Bound::at_most, limit, true, {}}; }
constexpr Target ratio_at_least(double limit) { return {Bound::at_least, limit, true, {}}; }

struct ReportRow {
  std::string scenario, variant, what, unit;
  double value = 0;
  // What it is compared with: "floor", or another figure of tallygate's own.
  std::string against = {};
  double baseline = 0;
  std::optional<Spread> ratio = {};
  std::optional<Target> target = {};
  // Not a figure of tallygate: what the load generator could do. Not drawn.
  bool is_head_room = false;
};

struct Report {
  std::vector<ReportRow> rows;
  std::vector<std::string> remarks;
};

bool is_met(const ReportRow& row);
// "<= 2.00x", and what came of it: "met", "missed", "aim met".
std::string target_text(const ReportRow& row);
std::string_view verdict(const ReportRow& row);
// A figure with as many digits as it deserves.
std::string figure_text(double value);
std::string fixed_text(double value, int digits);

void print_table(const Report& report, const Options& options);
void print_json(const Report& report, const Options& options);
// Throws std::runtime_error when it cannot be written.
void draw(const Report& report, const std::string& path);

}  // namespace tallygate::bench

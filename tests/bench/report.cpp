// Prints the table, and says what its targets came to.
#include "report.h"

#include <cmath>
#include <cstdio>

namespace tallygate::bench {
namespace {

bool passes(Bound bound, double value, double limit) {
  if (bound == Bound::at_most) return value <= limit;
  return bound == Bound::at_least ? value >= limit : value == limit;
}

double judged(const ReportRow& row) {
  return row.target->of_ratio && row.ratio ? row.ratio->median : row.value;
}

std::string bound_text(Bound bound) {
  return bound == Bound::at_most ? "<= " : bound == Bound::at_least ? ">= " : "= ";
}

std::string ratio_text(const std::optional<Spread>& ratio) {
  if (!ratio) return "";
  const std::string median = fixed_text(ratio->median, 2) + "x";
  if (ratio->low == ratio->high) return median;
  return median + " [" + fixed_text(ratio->low, 2) + "-" + fixed_text(ratio->high, 2) + "]";
}

void print_row(const ReportRow& row) {
  const std::string baseline =
      row.against.empty() ? "" : figure_text(row.baseline) + " " + row.against;
  std::printf("%-10s %-20s %-30s %10s %-8s %-14s %-19s %-18s %s\n", row.scenario.c_str(),
              row.variant.c_str(), row.what.c_str(), figure_text(row.value).c_str(),
              row.unit.c_str(), baseline.c_str(), ratio_text(row.ratio).c_str(),
              target_text(row).c_str(), std::string(verdict(row)).c_str());
}

}  // namespace

std::string fixed_text(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string figure_text(double value) {
  const double size = std::abs(value);
  return fixed_text(value, size >= 1000 || value == std::floor(value) ? 0 : size >= 10 ? 1 : 2);
}

bool is_met(const ReportRow& row) {
  return !row.target || passes(row.target->bound, judged(row), row.target->limit);
}

std::string target_text(const ReportRow& row) {
  if (!row.target) return "";
  const Target& target = *row.target;
  const auto figure = [&](double value) {
    return target.of_ratio ? fixed_text(value, 2) + "x" : figure_text(value);
  };
  std::string text = bound_text(target.bound) + figure(target.limit);
  return target.aim ? text + ", aim " + figure(*target.aim) : text;
}

std::string_view verdict(const ReportRow& row) {
  if (!row.target) return "";
  if (!is_met(row)) return "MISSED";
  const auto& aim = row.target->aim;
  return aim && passes(row.target->bound, judged(row), *aim) ? "aim met" : "met";
}

void print_table(const Report& report, const Options& options) {
  std::printf("%s build, %d budgets, 300 bytes of arguments, 200 of output\n\n",
              TALLYGATE_BENCH_BUILD, options.budgets);
  std::printf("%-10s %-20s %-30s %10s %-8s %-14s %-19s %-18s %s\n", "scenario", "variant", "what",
              "tallygate", "unit", "against", "ratio", "target", "verdict");
  for (const ReportRow& row : report.rows) print_row(row);
  std::printf("\n");
  for (const std::string& remark : report.remarks) std::printf("note: %s\n", remark.c_str());
}

}  // namespace tallygate::bench

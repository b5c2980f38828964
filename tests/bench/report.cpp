// Prints the table.
#include "report.h"

#include "protocol/json_writer.h"

#include <cstdio>

namespace tallygate::bench {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string ratio_text(const Spread& ratio) {
  return fixed(ratio.median, 2) + " [" + fixed(ratio.low, 2) + "-" + fixed(ratio.high, 2) + "]";
}

void print_row(const ReportRow& row) {
  const Figures& figures = row.figures;
  std::printf("%-10s %-8s %-8s %9.1f %9.1f %9.1f %9.0f  %-16s %s\n", row.scenario.c_str(),
              row.durability.c_str(), row.placement.c_str(), figures.p50_us, figures.p99_us,
              figures.mean_us, figures.per_second(),
              row.to_floor ? ratio_text(row.to_floor->p50).c_str() : "",
              row.to_floor ? ratio_text(row.to_floor->mean).c_str() : "");
}

void print_table(const Report& report, const Options& options) {
  std::printf(
      "sequential calls; %s build; %lld calls x %d rounds, %d budgets; medians over rounds\n\n",
      TALLYGATE_BENCH_BUILD, static_cast<long long>(options.load.calls), options.rounds,
      options.budgets);
  std::printf("%-10s %-8s %-8s %9s %9s %9s %9s  %-16s %s\n", "scenario", "durable", "on", "p50 us",
              "p99 us", "mean us", "calls/s", "p50 to floor", "mean to floor");
  for (const ReportRow& row : report.rows) print_row(row);
  std::printf("\n");
  for (const ReportRow& row : report.rows) {
    if (!row.to_floor) continue;
    std::printf("%s, %s: a governed call takes %sx the floor at p50, %sx in the mean\n",
                row.durability.c_str(), row.placement.c_str(),
                fixed(row.to_floor->p50.median, 2).c_str(),
                fixed(row.to_floor->mean.median, 2).c_str());
  }
  for (const std::string& remark : report.remarks) std::printf("note: %s\n", remark.c_str());
}

void write_ratio(JsonWriter& out, const char* name, const Spread& ratio) {
  out.key(name).begin_object().raw_field("median", fixed(ratio.median, 3));
  out.raw_field("low", fixed(ratio.low, 3)).raw_field("high", fixed(ratio.high, 3)).end_object();
}

void print_json(const Report& report, const Options& options) {
  JsonWriter out;
  out.begin_object().field("build", TALLYGATE_BENCH_BUILD).field("calls", options.load.calls);
  out.field("rounds", std::int64_t{options.rounds}).field("budgets", std::int64_t{options.budgets});
  out.key("rows").begin_array();
  for (const ReportRow& row : report.rows) {
    out.begin_object().field("scenario", row.scenario).field("durability", row.durability);
    out.field("placement", row.placement);
    out.raw_field("p50Us", fixed(row.figures.p50_us, 1));
    out.raw_field("p99Us", fixed(row.figures.p99_us, 1));
    out.raw_field("meanUs", fixed(row.figures.mean_us, 1));
    out.raw_field("callsPerSecond", fixed(row.figures.per_second(), 0));
    if (row.to_floor) write_ratio(out, "p50ToFloor", row.to_floor->p50);
    if (row.to_floor) write_ratio(out, "meanToFloor", row.to_floor->mean);
    out.end_object();
  }
  out.end_array().key("remarks").begin_array();
  for (const std::string& remark : report.remarks) out.string(remark);
  std::printf("%s\n", out.end_array().end_object().text().c_str());
}

}  // namespace

void print(const Report& report, const Options& options) {
  options.json ? print_json(report, options) : print_table(report, options);
}

}  // namespace tallygate::bench

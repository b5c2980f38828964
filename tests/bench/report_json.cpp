// The table for machines: one object, one row per figure.
#include "protocol/json_writer.h"
#include "report.h"

#include <cstdio>

namespace tallygate::bench {
namespace {

void write_ratio(JsonWriter& out, const Spread& ratio) {
  out.key("ratio").begin_object().raw_field("median", fixed_text(ratio.median, 3));
  out.raw_field("low", fixed_text(ratio.low, 3)).raw_field("high", fixed_text(ratio.high, 3));
  out.end_object();
}

void write_row(JsonWriter& out, const ReportRow& row) {
  out.begin_object().field("scenario", row.scenario).field("variant", row.variant);
  out.field("what", row.what).field("unit", row.unit);
  out.raw_field("value", fixed_text(row.value, 3));
  if (!row.against.empty()) {
    out.field("against", row.against).raw_field("baseline", fixed_text(row.baseline, 3));
  }
  if (row.ratio) write_ratio(out, *row.ratio);
  if (row.target) out.field("target", target_text(row)).field("verdict", verdict(row));
  out.end_object();
}

}  // namespace

void print_json(const Report& report, const Options& options) {
  JsonWriter out;
  out.begin_object().field("build", TALLYGATE_BENCH_BUILD);
  out.field("budgets", std::int64_t{options.budgets}).key("rows").begin_array();
  for (const ReportRow& row : report.rows) write_row(out, row);
  out.end_array().key("remarks").begin_array();
  for (const std::string& remark : report.remarks) out.string(remark);
  std::printf("%s\n", out.end_array().end_object().text().c_str());
}

}  // namespace tallygate::bench

// The table of a run, as text for people or as JSON.
#pragma once

#include "figures.h"
#include "options.h"

#include <optional>
#include <string>
#include <vector>

namespace tallygate::bench {

struct ReportRow {
  std::string scenario, durability, placement;
  Figures figures;
  std::optional<Ratios> to_floor;
};

struct Report {
  std::vector<ReportRow> rows;
  std::vector<std::string> remarks;
};

void print(const Report& report, const Options& options);

}  // namespace tallygate::bench

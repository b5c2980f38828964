// What is measured. Each scenario has a file of its own and adds rows to the one table.
#pragma once

#include "lab.h"
#include "options.h"
#include "report.h"

#include <span>

namespace tallygate::bench {

// Each also checks what is no time (the rows written, the cap, what a cut leaves through) and
// throws std::runtime_error when that is not as promised.
void measure_sequential(const Options& options, Lab& lab, Report& report);
void measure_in_flight(const Options& options, Lab& lab, Report& report);
void measure_processes(const Options& options, Lab& lab, Report& report);
void measure_start(const Options& options, Lab& lab, Report& report);
void measure_memory(const Options& options, Lab& lab, Report& report);
void measure_file(const Options& options, Lab& lab, Report& report);
void measure_grown(const Options& options, Lab& lab, Report& report);
void measure_reopen(const Options& options, Lab& lab, Report& report);
void measure_listing(const Options& options, Lab& lab, Report& report);
void measure_cut(const Options& options, Lab& lab, Report& report);
void measure_budgets(const Options& options, Lab& lab, Report& report);
void measure_postings(const Options& options, Lab& lab, Report& report);

struct Scenario {
  const char* name;
  const char* about;
  void (*measure)(const Options& options, Lab& lab, Report& report);
};
std::span<const Scenario> scenarios();

}  // namespace tallygate::bench

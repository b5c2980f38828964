// What is measured. Each scenario has a file of its own and adds rows to the one table.
#pragma once

#include "lab.h"
#include "options.h"
#include "report.h"

namespace tallygate::bench {

// One call after the other, at both durabilities, against the floor and an echo.
void measure_sequential(const Options& options, Lab& lab, Report& report);

}  // namespace tallygate::bench

// The scenarios by name.
#include "scenarios.h"

namespace tallygate::bench {
namespace {

constexpr Scenario all[] = {
    {"sequential", "one call after the other, at both durabilities", measure_sequential},
    {"in_flight", "1, 16 and 64 named calls at once", measure_in_flight},
    {"processes", "1, 4 and 16 sidecars on one store, up to a cap", measure_processes},
    {"start", "from spawn to the first answer and the first call", measure_start},
    {"memory", "what many calls leave in a sidecar's memory", measure_memory},
    {"file", "bytes of the store per call", measure_file},
    {"grown", "sequential on a store that has grown, against a fresh one", measure_grown},
    {"reopen", "the start after a SIGKILL that left a long log", measure_reopen},
    {"listing", "budget --json where 1,000 scopes have counters", measure_listing},
    {"cut", "how soon hosts hear that everything is closed", measure_cut},
    {"budgets", "calls under 32 budgets, against calls under one", measure_budgets},
    {"postings", "calls on a store with ten times the postings", measure_postings},
};

}  // namespace

std::span<const Scenario> scenarios() { return all; }

}  // namespace tallygate::bench

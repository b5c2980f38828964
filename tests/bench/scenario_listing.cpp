// What `budget --json` takes where many scopes have counters, and many windows that have ended
// beside those of now.
#include "ledger/database.h"
#include "scenarios.h"
#include "subject.h"

#include <fstream>
#include <stdexcept>

namespace tallygate::bench {
namespace {

const Target listing_target{Bound::at_most, 100, false, {}};
constexpr int scopes = 1000;

// An agent for each scope, and for each a window of now and some of before.
constexpr const char* many_scopes = R"sql(
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  INSERT INTO scopes (kind, name) SELECT 3, 'agent-' || i FROM n;
INSERT INTO budgets (scope, unit, window) SELECT id, 'usd', 'total' FROM scopes WHERE name LIKE 'agent-%';
INSERT INTO budgets (scope, unit, window) SELECT id, 'usd', 'day' FROM scopes WHERE name LIKE 'agent-%';
INSERT INTO windows (budget, starts, ends, cap, reserved, spent, overrun)
  SELECT id, 0, NULL, 1000000000, 1, 2, 0 FROM budgets WHERE unit = 'usd' AND window = 'total' AND
  scope IN (SELECT id FROM scopes WHERE name LIKE 'agent-%');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
  INSERT INTO windows (budget, starts, ends, cap, reserved, spent, overrun)
  SELECT b.id, i * 86400000, (i + 1) * 86400000, 1000000000, 0, 2, 0 FROM budgets b, n
  WHERE unit = 'usd' AND window = 'day' AND scope IN (SELECT id FROM scopes WHERE name LIKE 'agent-%');
)sql";

std::filesystem::path make_store(const Options& options, Lab& lab) {
  const std::filesystem::path folder = lab.fresh_folder();
  const std::filesystem::path policy = write_policy(folder, Durability::process, options.budgets);
  Subject sidecar(sidecar_argv(options, policy));
  sidecar.open_session();
  sidecar.finish();
  std::ofstream(policy, std::ios::app)
      << "[[budgets]]\nscope = \"agent:*\"\nunit = \"usd\"\nwindow = \"total\"\ncap = \"1.00\"\n";
  Result<Database> store = Database::open(store_of(folder).string(), OpenMode::existing, "");
  if (!store) throw std::runtime_error(store.error().message);
  if (const Step step = store->execute(many_scopes); !step) {
    throw std::runtime_error(step.error().message);
  }
  return policy;
}

double list_once(const Options& options, const std::filesystem::path& policy) {
  const std::int64_t start_ns = monotonic_ns();
  Child command({options.sidecar, "budget", "--json", "-c", policy.string()});
  const auto line = command.pipe().read_line();
  const double took_ms = static_cast<double>(monotonic_ns() - start_ns) / 1e6;
  if (!line) throw std::runtime_error("the budgets were not listed");
  std::size_t listed = 0;
  for (std::size_t at = 0; (at = line->find("\"agent:agent-", at)) != std::string_view::npos;
       ++at) {
    ++listed;
  }
  if (listed != scopes) throw std::runtime_error("a scope is missing from the budgets");
  if (!command.finish()) throw std::runtime_error("the budgets were not listed well");
  return took_ms;
}

}  // namespace

void measure_listing(const Options& options, Lab& lab, Report& report) {
  const std::filesystem::path policy = make_store(options, lab);
  std::vector<double> times;
  for (int i = 0; i < options.sizes.listings; ++i) times.push_back(list_once(options, policy));
  ReportRow row{"listing", std::to_string(scopes) + " scopes", "spawn to the whole list", "ms",
                spread_of(times).median};
  row.target = listing_target;
  report.rows.push_back(std::move(row));
  Lab::clear(policy.parent_path());
}

}  // namespace tallygate::bench

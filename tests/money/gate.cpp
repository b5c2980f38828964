// Kernels on a real store under a clock of our own, told what happens line by line: for a model in
// another language. Each command is answered by what it led to, and a line ".":
//
//   world FOLDER UTC_MS      FOLDER/policy.toml, a new store beside it; forgets all before
//   start SLOT AGENT RUN     a sidecar, and the session of its host
//   say SLOT JSON            a line of that host, for the next turn
//   turn SLOT | die SLOT | tick MS
//   break N | heal           the N-th write to the disk fails, once
//   reconcile CALL ran|not-run [UNIT=STEPS ...]
//   resolve CALL yes|no
//   scope NAME 0..3          open, cut, frozen, killed
//   topup SCOPE UNIT WINDOW STEPS
//
//   > LINE                   to the host
//   # SEQ AT KIND CALL BODY  a new row of the trail
//   = SCOPE|UNIT|WINDOW|START RESERVED SPENT OVERRUN ADDED CAP    counters that changed
//   ! WORDS                  a command that was refused
#include "kernel/approval_acts.h"
#include "kernel/kernel.h"
#include "kernel/operator_acts.h"
#include "kernel/scope_acts.h"
#include "kernel/settlement.h"
#include "kernel/topup_acts.h"
#include "policy/load.h"
#include "support/fake_clock.h"
#include "support/fault_vfs.h"
#include "support/raw_store.h"
#include "support/seeded_entropy.h"

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace tallygate {
namespace {

struct Sidecar {
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Kernel> kernel;
  std::vector<Event> events;
  std::uint64_t ordinal = 0;
};

class World {
 public:
  World(const std::string& folder, std::int64_t utc_ms);
  void start(const std::string& slot, const std::string& agent, const std::string& run);
  void say(const std::string& slot, const std::string& line);
  void turn(const std::string& slot);
  void die(const std::string& slot) { sidecars_.erase(slot); }
  void tick(std::int64_t ms) { clock_.advance(ms); }
  void break_disk(int nth) { disk_.fail(FaultVfs::write, nth, SQLITE_IOERR_WRITE); }
  void heal() { disk_.heal(); }
  void operate(const std::function<Step(Turn&, const Policy&)>& act);
  void tell_news();

 private:
  FaultVfs disk_;  // outlives every ledger
  Policy policy_;
  StoreOptions options_;
  FakeClock clock_;
  SeededEntropy entropy_{7};
  std::map<std::string, Sidecar> sidecars_;
  std::map<std::string, std::string> told_;
  std::string seq_ = "0";
  std::unique_ptr<RawStore> look_;
};

World::World(const std::string& folder, std::int64_t utc_ms) {
  const std::string path = folder + "/policy.toml";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  auto loaded = load_policy_text(text.str(), path);
  if (const auto* complaints = std::get_if<Complaints>(&loaded)) {
    for (const std::string& complaint : *complaints) std::cout << "! " << complaint << '\n';
    return;
  }
  policy_ = std::move(std::get<Policy>(loaded));
  clock_.step_utc(utc_ms - clock_.now().utc_ms);
  options_.path = folder + "/store.db";
  options_.vfs = disk_.name();
  options_.power_durable = false;
}

void World::start(const std::string& slot, const std::string& agent, const std::string& run) {
  auto opened = Ledger::open(options_);
  if (!opened || !(*opened)->become_owner(clock_.now().utc_ms)) {
    std::cout << "! the store cannot be opened\n";
    return;
  }
  Sidecar& sidecar = sidecars_[slot];
  sidecar.ledger = std::move(opened).value();
  sidecar.kernel = std::make_unique<Kernel>(policy_, *sidecar.ledger, entropy_, "model");
  say(slot, R"({"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":1,)"
            R"("client":{"name":"model","version":"1"},"session":{"agent":")" +
                agent + R"(","run":")" + run + R"("},"capabilities":{"execute":true}}})");
  std::string tools;
  for (const ToolRule& tool : policy_.tools) {
    tools += (tools.empty() ? R"({"name":")" : R"(,{"name":")") + tool.pattern + R"("})";
  }
  say(slot,
      R"({"jsonrpc":"2.0","id":"t","method":"tools/register","params":{"tools":[)" + tools + "]}}");
  turn(slot);
}

void World::say(const std::string& slot, const std::string& line) {
  Sidecar& sidecar = sidecars_.at(slot);
  sidecar.events.push_back(read_line({++sidecar.ordinal, line}));
}

void World::turn(const std::string& slot) {
  Sidecar& sidecar = sidecars_.at(slot);
  const Effects effects = sidecar.kernel->turn(std::exchange(sidecar.events, {}), clock_.now());
  for (const std::string& line : effects.lines) std::cout << "> " << line << '\n';
  // The host reads at once.
  for (const Effects::Start& start : effects.starts) {
    sidecar.events.emplace_back(RequestLeft{start.execute_id, clock_.now().boot_ms});
  }
}

void World::operate(const std::function<Step(Turn&, const Policy&)>& act) {
  auto opened = Ledger::open(options_);
  auto turn = opened ? (*opened)->begin(clock_.now().utc_ms) : Result<Turn>(opened.error());
  if (turn) end_due(*turn, policy_);
  Step step = turn ? act(*turn, policy_) : Step(turn.error());
  if (step) step = turn->commit();
  if (!step) std::cout << "! " << step.error().message << '\n';
}

void World::tell_news() {
  if (!look_ && !sidecars_.empty()) look_ = std::make_unique<RawStore>(options_.path);
  if (!look_) return;
  for (const auto& row : look_->rows("SELECT seq, at, kind, action, body FROM audit WHERE seq > " +
                                     seq_ + " ORDER BY seq")) {
    seq_ = row[0];
    std::cout << "# " << row[0] << ' ' << row[1] << ' ' << row[2] << ' ' << row[3] << ' ' << row[4]
              << '\n';
  }
  for (const auto& row : look_->rows(
           "SELECT s.kind || ' ' || s.name || '|' || b.unit || '|' || b.window || '|' || "
           "coalesce(r.name, w.starts), reserved || ' ' || spent || ' ' || overrun || ' ' || added "
           "|| ' ' || cap FROM windows w JOIN budgets b ON b.id = w.budget JOIN scopes s ON "
           "s.id = b.scope LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts")) {
    std::string& told = told_[row[0]];
    if (told == row[1]) continue;
    told = row[1];
    std::cout << "= " << row[0] << ' ' << row[1] << '\n';
  }
}

Step reconcile_call(Turn& turn, const Policy& policy, std::istream& words) {
  std::string call, how, spent;
  words >> call >> how;
  Reconciliation wish;
  wish.ran = how == "ran";
  wish.by = "kim";
  while (words >> spent) {
    const std::size_t split = spent.find('=');
    wish.spent.push_back({spent.substr(0, split), {std::stoll(spent.substr(split + 1))}});
  }
  const Result<ActionSummary> found = find_call(turn, call);
  return found ? reconcile(turn, policy, found->row, wish) : Step(found.error());
}

Step resolve_request(Turn& turn, const Policy& policy, std::istream& words) {
  std::string call, answer;
  words >> call >> answer;
  const Result<ApprovalRequest> found = find_request(turn, call);
  return found ? resolve(turn, policy, *found, {answer == "yes", "kim", ""}) : Step(found.error());
}

Step close_scope(Turn& turn, const Policy& policy, std::istream& words) {
  std::string name;
  int closure = 0;
  words >> name >> closure;
  const auto scope = parse_scope(name);
  if (!scope) return scope.error();
  change_scope(turn, policy, {*scope, static_cast<Closure>(closure), "", "kim"});
  return Done{};
}

Step add_to_cap(Turn& turn, const Policy& policy, std::istream& words) {
  TopUp wish;
  std::string name;
  words >> name >> wish.unit >> wish.window >> wish.amount.steps;
  const auto scope = parse_scope(name);
  if (!scope) return scope.error();
  wish.scope = *scope;
  wish.by = "kim";
  const auto claim = find_topped(policy, wish, turn.now_ms());
  if (!claim) return claim.error();
  top_up(turn, policy, wish, *claim);
  return Done{};
}

// False when there is no such command.
bool obey(std::unique_ptr<World>& world, const std::string& command, std::istream& words) {
  using Act = Step (*)(Turn&, const Policy&, std::istream&);
  static const std::map<std::string, Act> acts{{"reconcile", reconcile_call},
                                               {"resolve", resolve_request},
                                               {"scope", close_scope},
                                               {"topup", add_to_cap}};
  std::string slot, agent, run;
  std::int64_t number = 0;
  if (command == "world") {
    words >> slot >> number;
    world.reset();
    world = std::make_unique<World>(slot, number);
  } else if (command == "start") {
    words >> slot >> agent >> run;
    world->start(slot, agent, run);
  } else if (command == "say") {
    words >> slot;
    std::string line;
    std::getline(words >> std::ws, line);
    world->say(slot, line);
  } else if (command == "turn" || command == "die") {
    words >> slot;
    command == "turn" ? world->turn(slot) : world->die(slot);
  } else if (command == "tick" || command == "break") {
    words >> number;
    command == "tick" ? world->tick(number) : world->break_disk(static_cast<int>(number));
  } else if (command == "heal") {
    world->heal();
  } else if (const auto act = acts.find(command); act != acts.end()) {
    world->operate(
        [&](Turn& turn, const Policy& policy) { return act->second(turn, policy, words); });
  } else {
    return false;
  }
  return true;
}

int run() {
  std::unique_ptr<World> world;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (!obey(world, command, words)) return 2;
    if (command != "say") world->tell_news();
    std::cout << ".\n" << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace tallygate

int main() {
  std::ios::sync_with_stdio(false);
  return tallygate::run();
}

// What a host does about calls that wait or run already, and what it spends beside them.
#include "simulation/host.h"

#include <algorithm>

namespace tallygate::simulation {
namespace {

constexpr std::size_t held_max = 24;
constexpr std::size_t reports_max = 8;

}  // namespace

// Of this agent mostly; now and then of another, which is refused.
void Host::resume() {
  std::vector<std::string> mine;
  for (const auto& [agent, action] : memory_.held) {
    if (agent == holder_.agent || dice_.one_in(16)) mine.push_back(action);
  }
  if (!mine.empty() && !dice_.one_in(6)) return resume(mine[dice_.next() % mine.size()]);
  if (memory_.actions.empty()) return;
  resume(memory_.actions[dice_.next() % memory_.actions.size()].second);
}

void Host::resume(const std::string& action) {
  const std::string id = fresh_id();
  std::string wait;
  if (!dice_.one_in(3)) {
    wait = ",\"waitMs\":" + std::to_string(dice_.below(dice_.one_in(3) ? 2000 : 90'000));
  }
  request(id, "actions/resume", R"({"actionId":")" + action + "\"" + wait + "}").when_read =
      [&witness = witness_, id](const Actor& actor) { witness.resumed(actor.life, id); };
  pipe_.back().governs = true;  // it may be granted
  // Taken back, only the wait ends; or the body, where this request had it run.
  requests_.push_back({id, "run of " + action});
  if (requests_.size() > 16) requests_.erase(requests_.begin());
}

void Host::call_off_held() {
  if (memory_.held.empty() || !dice_.one_in(2)) return resume();
  const std::string action = memory_.held[dice_.next() % memory_.held.size()].second;
  request(fresh_id(), "actions/cancel", R"({"actionId":")" + action + "\"}").when_read =
      [&witness = witness_, action](const Actor& actor) { witness.taken_back(actor.life, action); };
}

// Asks for more time: for a body of its own, for one that it runs by itself, for anything.
void Host::extend() {
  std::string action;
  if (!bodies_.empty() && !dice_.one_in(3)) {
    action = std::next(bodies_.begin(), static_cast<std::ptrdiff_t>(dice_.next() % bodies_.size()))
                 ->second.action;
  } else if (!memory_.errands.empty() && !dice_.one_in(3)) {
    action = memory_.errands[dice_.next() % memory_.errands.size()].action;
  } else if (!memory_.actions.empty()) {
    action = memory_.actions[dice_.next() % memory_.actions.size()].second;
  }
  ask("actions/extend", R"({"actionId":")" + action + "\"}");
}

// Once without a name; by name as often as it likes, from any life of its run.
void Host::report_usage() {
  struct Spent {
    const char* json;
    Steps steps;
  };
  static const Spent kinds[] = {
      {R"({"usd":"0.02"})", {{"usd", 20'000'000}}},
      {R"({"tokens:in":"40","usd":"0.003"})", {{"tokens:in", 40}, {"usd", 3'000'000}}},
      {R"({"usd":"3"})", {{"usd", 3'000'000'000}}},
      {R"({"roubles":"1"})", {{"roubles", 1}}},
  };
  std::vector<Memory::Report>& reports = memory_.reports;
  const auto known = std::ranges::find_if(
      reports, [this](const auto& report) { return report.holder == holder_; });
  Memory::Report report;
  if (known != reports.end() && !dice_.one_in(3)) {
    report = *known;
  } else {
    const Spent& spent = kinds[dice_.below(dice_.one_in(8) ? 4 : 2)];
    const std::string mark = "m" + std::to_string(dice_.next());
    const std::string name = dice_.one_in(2) ? "use-" + mark : "";
    report = {holder_, name, spent.json, mark, spent.steps};
    if (!name.empty()) reports.push_back(report);
    if (reports.size() > reports_max) reports.erase(reports.begin());
  }
  const std::string name = report.call_id.empty() ? "" : R"(,"callId":")" + report.call_id + "\"";
  request(fresh_id(), "usage/record",
          R"({"usage":)" + report.usage + R"(,"model":")" + report.mark + "\"" + name + "}")
      .when_read = [&witness = witness_, mark = report.mark,
                    record = Record{holder_, report.spent, !name.empty(), 0}](const Actor&) {
    witness.recording(mark, record);
  };
}

// Keeps those calls in mind that are held, as far as this host has heard.
void Host::note_held(const Said& said) {
  const std::string action = said.field("actionId"), status = said.field("status");
  if (status.empty()) return;
  std::erase_if(memory_.held, [&](const auto& call) { return call.second == action; });
  if (status == "held") memory_.held.emplace_back(holder_.agent, action);
  if (memory_.held.size() > held_max) memory_.held.erase(memory_.held.begin());
}

}  // namespace tallygate::simulation

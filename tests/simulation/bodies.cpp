// How a host runs bodies: soon, late, never, twice, and with every kind of report.
#include "simulation/host.h"

namespace tallygate::simulation {

void Host::hear(const Said& said, std::int64_t boot_ms) {
  remember(said);
  // Who hears that people have approved runs it, or forgets about it.
  if (said.method == "actions/updated" && said.field("status") == "held" && !dice_.one_in(4)) {
    resume(said.field("actionId"));
  }
  if (said.method == "tools/execute") {
    const std::int64_t timeout_ms = std::stoll(said.field("deadlineMs"));
    const std::string action = said.field("actionId");
    const bool is_named = note_named(action, said.field("args"));
    // Nothing wakes a body that was given up like another attempt of its call.
    for (auto& [id, body] : bodies_) {
      if (body.action == action) body.due_ms = boot_ms;
    }
    // A call of that name may run again, and the answer to this attempt come then.
    const bool dawdles = is_named && dice_.one_in(2);
    const std::int64_t due_ms =
        boot_ms + (dawdles ? timeout_ms + 40'000 : 0) + draw_delay(timeout_ms);
    last_asked_ = std::stoll(said.id);
    bodies_[said.id] = Body{due_ms, said.field("tool"), action, false};
  } else if (said.method == "$/cancelRequest") {
    const auto body = bodies_.find(said.field("id"));
    // Heeds it at once, or late, or goes on as if nothing had been said.
    if (body != bodies_.end() && !dice_.one_in(3)) {
      body->second.due_ms = boot_ms + dice_.below(dice_.one_in(4) ? 20'000 : 1500);
      body->second.stops = dice_.one_in(2);
    }
  } else if (!greeted_ && said.is_reply() && said.id == greeting_) {
    greeted_ = !said.is_error;
    greeting_.clear();
  }
}

std::int64_t Host::draw_delay(std::int64_t timeout_ms) {
  constexpr std::int64_t never_ms = std::int64_t{1} << 40;
  switch (dice_.below(16)) {
    case 0: return never_ms;
    case 1: return timeout_ms - 100 + dice_.below(2200);  // about its deadline and its grace
    case 2:
    case 3: return timeout_ms + 2000 + dice_.below(60'000);
    case 4: return dice_.below(timeout_ms);
    default: return dice_.below(50);
  }
}

void Host::answer(std::int64_t boot_ms) {
  for (auto body = bodies_.begin(); body != bodies_.end();) {
    if (body->second.due_ms > boot_ms) {
      ++body;
      continue;
    }
    answer_body(body->first, body->second);
    answered_.push_back(body->first);
    body = bodies_.erase(body);
  }
  if (!answered_.empty() && dice_.one_in(16)) {
    answer_body(answered_[dice_.next() % answered_.size()], Body{});
  }
}

void Host::answer_body(const std::string& execute_id, const Body& body) {
  Answer answer;
  std::string how = draw_answer(body, answer);
  const bool is_error = how.starts_with("\"error\"");
  if (!is_error) how = "\"result\":{" + how + "}";
  pipe_.push_back({R"({"jsonrpc":"2.0","id":)" + execute_id + "," + how + "}", {}, false, true});
  pipe_.back().when_read = [&witness = witness_, execute_id, answer](const Actor& actor) {
    witness.answered(actor, execute_id, answer);
  };
}

// The members that say how a body ended.
std::string Host::draw_answer(const Body& body, Answer& answer) {
  if (body.stops || dice_.one_in(7)) return R"("error":{"code":1,"message":"broken"})";
  answer.ok = true;
  return R"("output":{"n":)" + std::to_string(dice_.below(1000)) + "}" +
         draw_usage(body.tool, answer);
}

std::string Host::draw_usage(const std::string& tool, Answer& answer) {
  struct Report {
    const char* json;
    Steps usage;
  };
  static const Report reports[] = {
      {R"({"usd":"0.001"})", {{"usd", 1'000'000}}},
      {R"({"usd":"0.06","calls":"1"})", {{"usd", 60'000'000}, {"calls", 1}}},
      {R"({"usd":"1.5"})", {{"usd", 1'500'000'000}}},
      {R"({"tokens:in":"120"})", {{"tokens:in", 120}}},
      {R"({"seconds":"40"})", {{"seconds", 40'000}}},
      {R"({"calls":"3","roubles":"5"})", {{"calls", 3}, {"roubles", 5}}},
  };
  const std::int64_t pick = dice_.below(tool == "look" ? 60 : 30);
  if (pick == 7) {
    answer.ok = false;  // no amount of anything: the body failed
    return R"(,"usage":{"usd":"much"})";
  }
  if (pick >= 6) return {};
  const Report& report = reports[pick];
  answer.usage = report.usage;
  return std::string(",\"usage\":") + report.json;
}

}  // namespace tallygate::simulation

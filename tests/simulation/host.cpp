// What a host says beside its calls: greetings, questions and nonsense.
#include "simulation/host.h"

#include <algorithm>
#include <limits>

namespace tallygate::simulation {

std::string Host::fresh_id() {
  const std::string number = std::to_string(++last_id_);
  return dice_.one_in(8) ? "\"q" + number + "\"" : number;
}

Letter& Host::request(const std::string& id, const std::string& method, const std::string& params) {
  pipe_.push_back({R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" +
                       params + "}",
                   id});
  return pipe_.back();
}

void Host::ask(const std::string& method, const std::string& params) {
  request(fresh_id(), method, params);
}

// Registers at once, so that whatever is governed after it is governed with these tools.
void Host::greet() {
  greeting_ = fresh_id();
  request(
      greeting_, "initialize",
      R"({"protocolVersion":1,"client":{"name":"simulated","version":"1"},"session":{"agent":")" +
          holder_.agent + R"(","run":")" + holder_.run + R"("},"capabilities":{"execute":)" +
          (can_execute_ ? "true" : "false") + "}}");
  ask("tools/register", registration());
}

void Host::speak() {
  if (greeting_.empty() && !greeted_) greet();
  switch (dice_.below(38)) {
    case 0: return ask("ping");
    case 1: return ask("budgets/get", dice_.one_in(2) ? "{}" : R"({"scope":"global"})");
    case 2: return babble();
    case 3: return answer_nonsense();
    case 4: return repeat_an_id();
    case 5:
    case 6: return complete();
    case 7:
    case 8: return take_back();
    case 9: return ask_about();
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16: return call_by_name();
    case 17:
    case 18:
    case 19: return resume();
    case 20: return extend();
    case 21: return report_usage();
    case 22: return call_off_held();
    default: return call();
  }
}

// Lines that are no message, or a message nobody knows.
void Host::babble() {
  switch (dice_.below(7)) {
    case 0: return pipe_.push_back({"not json", "null"});
    case 1: return pipe_.push_back({R"({"a":1,"a":2})", "null"});
    case 2: return pipe_.push_back({"[]", "null"});
    case 3: return ask("actions/unheard-of");
    case 4: return ask("actions/govern", R"({"tool":7})");
    case 5: return ask("initialize");  // a second time, or with nothing in it
    default: pipe_.push_back({R"({"jsonrpc":"2.0","method":"notifications/none"})", {}});
  }
}

// An id that may be in flight still.
void Host::repeat_an_id() {
  if (last_id_ == 0) return;
  const std::int64_t back = dice_.below(std::min<std::int64_t>(last_id_, 4));
  request(std::to_string(last_id_ - back), dice_.one_in(2) ? "ping" : "budgets/get", "{}");
}

// No answer to anything, or one to what may be asked next.
void Host::answer_nonsense() {
  const std::string id = dice_.one_in(4)   ? "null"
                         : dice_.one_in(3) ? "\"what\""
                                           : std::to_string(last_asked_ + dice_.below(4));
  if (bodies_.contains(id)) return;
  pipe_.push_back({R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"output":"guessed"}})", {}});
  // By the time it is read, a body of that id may run.
  pipe_.back().when_read = [&witness = witness_, id](const Actor& actor) {
    witness.answered(actor, id, Answer{true, {}});
  };
}

void Host::stop_reading(std::int64_t boot_ms) {
  reads_from_ms_ = boot_ms + dice_.below(dice_.one_in(2) ? 60'000 : 3000);
  reads_a_little_ = dice_.one_in(2);
}

std::size_t Host::reads(std::int64_t boot_ms) {
  if (boot_ms >= reads_from_ms_) return std::numeric_limits<std::size_t>::max();
  return reads_a_little_ ? static_cast<std::size_t>(dice_.below(3)) : 0;
}

std::optional<Letter> Host::take() {
  if (pipe_.empty()) return std::nullopt;
  Letter letter = std::move(pipe_.front());
  pipe_.pop_front();
  return letter;
}

}  // namespace tallygate::simulation

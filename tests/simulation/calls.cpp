// The calls a host makes: once, by name and again, run by itself, taken back, asked about.
#include "protocol/digest.h"
#include "simulation/host.h"

#include <algorithm>

namespace tallygate::simulation {
namespace {

template <class Item>
const Item& one_of(Dice& dice, const std::vector<Item>& items) {
  return items[static_cast<std::size_t>(dice.below(static_cast<std::int64_t>(items.size())))];
}

}  // namespace

void Host::call() {
  // Arguments no other call of the world has, so that the trail tells whose row is whose.
  const std::string args = R"({"of":")" + std::to_string(dice_.next()) + R"("})";
  const bool waits = memory_.held_often > 0 && dice_.one_in(memory_.held_often);
  send(waits ? draw_held_call(dice_) : draw_call(dice_), args, {}, dice_.one_in(8));
}

// A name that is new, or one that this run has used: in this life, another one, or another sidecar.
void Host::call_by_name() {
  const Memory::Named named = draw_name();
  const bool propose = dice_.one_in(4);
  if (dice_.one_in(20)) {
    const std::string other = R"({"of":")" + std::to_string(dice_.next()) + R"("})";
    return send(draw_call(dice_), other, named.call_id, propose);
  }
  send(named.draft, dice_.one_in(4) ? named.other_spelling : named.args, named.call_id, propose);
}

// Mostly where most can happen: calls that were found not to have run, or that may be running.
const Memory::Named& Host::draw_name() {
  std::vector<std::size_t> known, undone, open;
  for (std::size_t i = 0; i < memory_.named.size(); ++i) {
    const Memory::Named& named = memory_.named[i];
    if (!(named.holder == holder_)) continue;
    known.push_back(i);
    if (witness_.is_undone(named.action)) undone.push_back(i);
    if (witness_.is_open(named.action)) open.push_back(i);
  }
  if (!undone.empty() && !dice_.one_in(4)) return memory_.named[one_of(dice_, undone)];
  if (!open.empty() && dice_.one_in(4)) return memory_.named[one_of(dice_, open)];
  if (!known.empty() && !dice_.one_in(3)) return memory_.named[one_of(dice_, known)];
  return make_name();
}

// In place of the oldest that nothing more is to be expected of.
const Memory::Named& Host::make_name() {
  const std::string name = std::to_string(++memory_.names);
  const std::string of = R"("of":")" + std::to_string(dice_.next()) + "\"";
  if (memory_.named.size() >= memory_.names_max) {
    const auto is_settled = [this](const Memory::Named& named) {
      return !witness_.is_undone(named.action) && !witness_.is_open(named.action);
    };
    const auto settled = std::ranges::find_if(memory_.named, is_settled);
    memory_.named.erase(settled == memory_.named.end() ? memory_.named.begin() : settled);
  }
  memory_.named.push_back({holder_, "call-" + name, "{" + of + ",\"n\":" + name + "}",
                           "{\"n\":" + name + ".0," + of + "}",
                           dice_.one_in(3) ? draw_held_call(dice_) : draw_call(dice_)});
  return memory_.named.back();
}

void Host::send(const Draft& draft, const std::string& args, const std::string& call_id,
                bool propose) {
  const std::string id = fresh_id(), digest = to_hex(args_digest(args));
  std::string params = R"({"tool":")" + draft.tool + R"(","args":)" + args;
  if (!draft.cost.empty()) params += ",\"cost\":" + draft.cost;
  if (!call_id.empty()) params += R"(,"callId":")" + call_id + "\"";
  Letter& letter = request(id, propose ? "actions/propose" : "actions/govern", params + "}");
  letter.governs = true;
  letter.when_read = [&witness = witness_, id, digest, propose,
                      proposal = Proposal{holder_, draft.tool, args, draft.code, draft.charges,
                                          draft.timeout_ms, draft.lapses}](const Actor& actor) {
    witness.requested(actor.life, id);
    witness.proposed(digest, proposal, propose);
  };
  requests_.push_back({id, call_id.empty() ? digest : call_id});
  if (requests_.size() > 16) requests_.erase(requests_.begin());
}

// Says how a body that a host of this agent ran by itself has ended: once, twice, or as a liar.
void Host::complete() {
  std::vector<Memory::Errand>& errands = memory_.errands;
  if (errands.empty()) return;
  const auto place = static_cast<std::ptrdiff_t>(dice_.next() % errands.size());
  const Memory::Errand errand = errands[static_cast<std::size_t>(place)];
  if (errand.agent != holder_.agent && !dice_.one_in(8)) return;
  if (!dice_.one_in(6)) errands.erase(errands.begin() + place);
  const bool lies = dice_.one_in(12);
  Answer answer;
  std::string how = draw_answer(Body{}, answer);
  if (how.starts_with("\"error\"")) how = R"("error":"broken")";
  Letter& letter =
      request(fresh_id(), "actions/complete",
              R"({"actionId":")" + errand.action + R"(","token":")" +
                  (lies ? "00000000000000000000000000000000" : errand.token) + "\"," + how + "}");
  letter.settles = true;
  if (lies || errand.agent != holder_.agent) return;
  letter.when_read = [&witness = witness_, errand, answer](const Actor&) {
    witness.completing(errand.action, errand.token, answer);
  };
}

// By the request, in one of three spellings, or by the call.
void Host::take_back() {
  if (dice_.one_in(2) && !memory_.actions.empty()) {
    const std::string action = one_of(dice_, memory_.actions).second;
    request(fresh_id(), "actions/cancel", R"({"actionId":")" + action + "\"}").when_read =
        [&witness = witness_, action](const Actor& actor) {
          witness.taken_back(actor.life, action);
        };
    return;
  }
  if (requests_.empty()) return;
  const Sent sent = one_of(dice_, requests_);
  const char* const spellings[] = {R"("$/cancelRequest","params":{"id":)",
                                   R"("$/cancel_request","params":{"id":)",
                                   R"("notifications/cancelled","params":{"requestId":)"};
  pipe_.push_back(
      {R"({"jsonrpc":"2.0","method":)" + std::string(spellings[dice_.below(3)]) + sent.id + "}}",
       {}});
  pipe_.back().when_read = [&witness = witness_, what = sent.call](const Actor& actor) {
    witness.taken_back(actor.life, what);
  };
}

void Host::ask_about() {
  if (memory_.actions.empty()) return ask("actions/get", R"({"actionId":"nonsense"})");
  ask("actions/get", R"({"actionId":")" + one_of(dice_, memory_.actions).second + "\"}");
}

// Whether the call has a name; if so its id is kept.
bool Host::note_named(const std::string& action, const std::string& args) {
  for (Memory::Named& named : memory_.named) {
    if (named.args != args && named.other_spelling != args) continue;
    named.action = action;
    return true;
  }
  return false;
}

// Calls of late, and the tokens of those that a host runs by itself.
void Host::remember(const Said& said) {
  const std::string action = said.field("actionId");
  if (action.empty()) return;
  memory_.actions.emplace_back(holder_.agent, action);
  if (memory_.actions.size() > 24) memory_.actions.erase(memory_.actions.begin());
  note_held(said);
  const std::string grant = said.field("grant");
  if (grant.empty()) return;
  Members told = read_members(grant);
  note_named(action, told["args"]);
  memory_.errands.push_back({holder_.agent, action, told["token"]});
  if (memory_.errands.size() > 24) memory_.errands.erase(memory_.errands.begin());
}

}  // namespace tallygate::simulation

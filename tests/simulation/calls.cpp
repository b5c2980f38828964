// The calls a host makes: once, by name and again, run by itself, taken back, asked about.
#include "protocol/digest.h"
#include "simulation/host.h"

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
  send(draw_call(dice_), args, {}, dice_.one_in(8));
}

// A name that is new, or one that this run has used: in this life, another one, or another sidecar.
void Host::call_by_name() {
  std::vector<Memory::Named> known;
  for (const Memory::Named& named : memory_.named) {
    if (named.holder == holder_) known.push_back(named);
  }
  if (known.empty() || dice_.one_in(3)) {
    const std::string name = std::to_string(++memory_.names);
    memory_.named.push_back({holder_,
                             "call-" + name,
                             R"({"of":")" + std::to_string(dice_.next()) + R"(","n":)" + name + "}",
                             {},
                             draw_call(dice_)});
    Memory::Named& fresh = memory_.named.back();
    fresh.other_spelling =
        "{\"n\":" + name + ".0," + fresh.args.substr(1, fresh.args.find(',') - 1) + "}";
    if (memory_.named.size() > 40) memory_.named.erase(memory_.named.begin());
    known = {memory_.named.back()};
  }
  const Memory::Named& named = one_of(dice_, known);
  const bool propose = dice_.one_in(4);
  if (dice_.one_in(20)) {
    const std::string other = R"({"of":")" + std::to_string(dice_.next()) + R"("})";
    return send(draw_call(dice_), other, named.call_id, propose);
  }
  send(named.draft, dice_.one_in(4) ? named.other_spelling : named.args, named.call_id, propose);
}

void Host::send(const Draft& draft, const std::string& args, const std::string& call_id,
                bool propose) {
  const std::string id = fresh_id(), digest = to_hex(args_digest(args));
  std::string params = R"({"tool":")" + draft.tool + R"(","args":)" + args;
  if (!draft.cost.empty()) params += ",\"cost\":" + draft.cost;
  if (!call_id.empty()) params += R"(,"callId":")" + call_id + "\"";
  Letter& letter = request(id, propose ? "actions/propose" : "actions/govern", params + "}");
  letter.governs = true;
  letter.when_read = [&witness = witness_, digest, propose,
                      proposal = Proposal{holder_, draft.tool, args, draft.code, draft.charges,
                                          draft.timeout_ms}](const Actor&) {
    witness.proposed(digest, proposal, propose);
  };
  requests_.emplace_back(id, digest);
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
  const auto [id, digest] = one_of(dice_, requests_);
  const char* const spellings[] = {R"("$/cancelRequest","params":{"id":)",
                                   R"("$/cancel_request","params":{"id":)",
                                   R"("notifications/cancelled","params":{"requestId":)"};
  pipe_.push_back(
      {R"({"jsonrpc":"2.0","method":)" + std::string(spellings[dice_.below(3)]) + id + "}}", {}});
  pipe_.back().when_read = [&witness = witness_, what = digest](const Actor& actor) {
    witness.taken_back(actor.life, what);
  };
}

void Host::ask_about() {
  if (memory_.actions.empty()) return ask("actions/get", R"({"actionId":"nonsense"})");
  ask("actions/get", R"({"actionId":")" + one_of(dice_, memory_.actions).second + "\"}");
}

// Calls of late, and the tokens of those that a host runs by itself.
void Host::remember(const Said& said) {
  const std::string action = said.field("actionId");
  if (action.empty()) return;
  memory_.actions.emplace_back(holder_.agent, action);
  if (memory_.actions.size() > 24) memory_.actions.erase(memory_.actions.begin());
  const std::string grant = said.field("grant");
  if (grant.empty()) return;
  memory_.errands.push_back({holder_.agent, action, read_members(grant)["token"]});
  if (memory_.errands.size() > 24) memory_.errands.erase(memory_.errands.begin());
}

}  // namespace tallygate::simulation

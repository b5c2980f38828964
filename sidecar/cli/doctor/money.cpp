#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "kernel/amount_texts.h"
#include "protocol/json_writer.h"

#include <algorithm>

namespace tallygate {
namespace {

// What open calls reserve, unit by unit. Nothing where a sum is beyond any amount.
std::optional<Charges> reserved_in_all(Turn& turn) {
  Charges total;
  for (const State state : {State::held, State::granted, State::in_doubt}) {
    for (const ActionSummary& call : turn.list_open(state)) {
      for (const Charge& charge : call.row.cost) {
        auto place = std::ranges::find(total, charge.unit, &Charge::unit);
        if (place == total.end()) place = total.insert(place, Charge{charge.unit, {}});
        const auto sum = checked_add(place->amount, charge.amount);
        if (!sum) return std::nullopt;
        place->amount = *sum;
      }
    }
  }
  return total;
}

std::string counters_text(const Premises& premises, const WindowFault& fault,
                          const Counters& counters) {
  const auto text = [&](Amount amount) {
    return format_amount(amount, premises.policy.scale_of(fault.unit));
  };
  std::string words = text(counters.reserved) + " reserved, " + text(counters.spent) + " spent, " +
                      text(counters.overrun) + " overrun";
  if (counters.added.steps != 0) words += ", " + text(counters.added) + " added";
  return words;
}

}  // namespace

void examine_money(const Premises& premises, Inspection& store, Section& section) {
  const auto total = reserved_in_all(store.turn());
  if (total) {
    JsonWriter data;
    data.begin_object();
    data.raw_field("reserved", write_amounts(to_texts(premises.policy, *total))).end_object();
    section.findings.push_back({Health::ok,
                                "open calls reserve " + charges_text(premises.policy, *total),
                                {},
                                data.take()});
  }
  const std::vector<WindowFault> faults = store.faulty_windows();
  for (const WindowFault& fault : faults) {
    section.problem(
        ExitCode::failed,
        "the window " + fault.window + " holds " + counters_text(premises, fault, fault.held) +
            "; its calls and postings come to " + counters_text(premises, fault, fault.history) +
            "; compare it with a backup before anything else is admitted",
        {premises.command("freeze global --reason 'the books do not agree'")});
  }
  if (faults.empty()) {
    section.ok("every budget window holds what open calls reserve and what postings spent");
  }
}

}  // namespace tallygate

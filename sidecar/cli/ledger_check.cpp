#include "cli/commands.h"
#include "cli/open_books.h"
#include "cli/output.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"
#include "stdio/progress.h"

namespace tallygate {
namespace {

// One counter that is not what it counts.
struct Differing {
  const WindowFault* fault = nullptr;
  const char* counter = "";
  Amount stored, history;
};

std::vector<Differing> differing_counters(const BookCheck& check) {
  std::vector<Differing> all;
  for (const WindowFault& fault : check.windows) {
    const Counters &held = fault.held, &due = fault.history;
    const Differing each[] = {{&fault, "reserved", held.reserved, due.reserved},
                              {&fault, "spent", held.spent, due.spent},
                              {&fault, "overrun", held.overrun, due.overrun},
                              {&fault, "added", held.added, due.added}};
    for (const Differing& one : each) {
      if (one.stored != one.history) all.push_back(one);
    }
  }
  return all;
}

std::string place_words(const WindowFault& fault) {
  const WindowSummary& place = fault.place;
  if (place.scope.empty()) return fault.unit + " " + fault.window;
  return scope_words(place.kind, place.scope, place.run) + " " + place.unit + " in " +
         window_words(place.window, place.starts);
}

std::string_view source_of(const char* counter) {
  return std::string_view(counter) == "reserved" ? "open calls" : "the postings";
}

std::string in_words(const BookCheck& check, const Inspection& books) {
  std::string text;
  for (const Differing& one : differing_counters(check)) {
    const int scale = books.scale_of(one.fault->unit);
    text += "counter: " + place_words(*one.fault) + ": " + one.counter + " stands at " +
            format_amount(one.stored, scale) + ", " + std::string(source_of(one.counter)) +
            " come to " + format_amount(one.history, scale) + "\n";
  }
  for (const BookFault& fault : check.faults)
    text += visible(fault.kind + ": " + fault.text) + "\n";
  const std::string sizes = std::to_string(check.windows_checked) + " windows, " +
                            std::to_string(check.calls) + " calls, " +
                            std::to_string(check.postings) + " postings and " +
                            std::to_string(check.trail.rows) + " audit rows";
  text += check.agrees() ? "the books agree: " : "the books do not agree: ";
  text += sizes;
  if (check.pruned_before_ms) {
    text += "; of what came before " + utc_text(*check.pruned_before_ms) + " the totals";
  }
  return text + ", head " + check.trail.head.text() + "\n";
}

void write_counter(JsonWriter& out, const Differing& one, const Inspection& books) {
  const WindowFault& fault = *one.fault;
  const int scale = books.scale_of(fault.unit);
  out.begin_object().field("kind", "counter");
  if (!fault.place.scope.empty()) {
    out.field("scope", scope_words(fault.place.kind, fault.place.scope, fault.place.run));
    out.field("window", fault.place.window);
  }
  out.field("unit", fault.unit);
  if (fault.place.starts != 0) out.field("startsAt", utc_text(fault.place.starts));
  out.field("counter", one.counter).field("stored", format_amount(one.stored, scale));
  out.field("history", format_amount(one.history, scale)).end_object();
}

std::string in_json(const BookCheck& check, const Inspection& books) {
  JsonWriter out;
  out.begin_object().flag("agree", check.agrees());
  out.key("faults").begin_array();
  for (const Differing& one : differing_counters(check)) write_counter(out, one, books);
  for (const BookFault& fault : check.faults) {
    out.begin_object().field("kind", fault.kind).field("text", fault.text);
    if (!fault.call.empty()) out.field("actionId", fault.call);
    if (fault.posting != 0) out.field("posting", fault.posting);
    out.end_object();
  }
  out.end_array().field("windows", check.windows_checked).field("calls", check.calls);
  out.field("postings", check.postings).field("auditRows", check.trail.rows);
  if (check.pruned_before_ms) out.field("prunedBefore", utc_text(*check.pruned_before_ms));
  return out.field("head", check.trail.head.text()).end_object().take() + "\n";
}

}  // namespace

ExitCode check_ledger(const CommonOptions& options) {
  auto opened = open_books(options);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  Inspection& books = *std::get<std::unique_ptr<Inspection>>(opened);
  BookCheck check;
  {
    const Progress progress("tallygate: replaying the books");
    check = books.check_books();
  }
  if (const Step step = books.turn().commit(); !step) return complain(step.error());
  const ExitCode code = check.agrees() ? ExitCode::done : ExitCode::failed;
  const ExitCode printed =
      options.json ? print_json(in_json(check, books)) : print(in_words(check, books));
  return printed == ExitCode::done ? code : printed;
}

}  // namespace tallygate

// A whole session: lines of a host into a kernel on a real store, with an operator and a clock.
//
// An input is written as protocol/vectors are, and they are its corpus: a line that is a step is
// done, with the names it uses bound by what the sidecar said, and any other line is the host's.
// What the sidecar should say is only used to bind names: whatever an input does,
// - each line of the host gets exactly one answer, or none where none is owed;
// - each line of the sidecar is one that the strict reader accepts as it stands;
// - no call is asked to run twice as the same attempt;
// - when its input ends, a sidecar has ended two seconds later;
// - the counters follow from calls and postings, and the trail is whole.
#include "fuzz/session_steps.h"
#include "fuzz/target.h"
#include "kernel/events.h"
#include "protocol/check.h"
#include "protocol/json_reader.h"
#include "protocol/strict_json.h"
#include "support/books.h"
#include "transcripts/in_process.h"
#include "transcripts/match.h"

#include <cstdio>
#include <map>
#include <set>
#include <utility>

namespace tallygate {

const std::vector<std::string> must_reach = {"tallygate::Kernel::initialize",
                                             "tallygate::Kernel::register_tools",
                                             "tallygate::Kernel::get_budgets",
                                             "tallygate::Kernel::shut_down",
                                             "tallygate::Kernel::govern",
                                             "tallygate::Kernel::repeat",
                                             "tallygate::Kernel::mismatch",
                                             "tallygate::Kernel::throttle",
                                             "tallygate::Kernel::serve_throttled",
                                             "tallygate::Kernel::complete",
                                             "tallygate::Kernel::extend",
                                             "tallygate::Kernel::get_action",
                                             "tallygate::Kernel::resume",
                                             "tallygate::Kernel::take_up",
                                             "tallygate::Kernel::record_usage",
                                             "tallygate::Kernel::cancel_action",
                                             "tallygate::Kernel::cancel_request",
                                             "tallygate::Kernel::stop_body",
                                             "tallygate::Kernel::withdraw_body",
                                             "tallygate::Kernel::lose_body",
                                             "tallygate::Kernel::stop_killed",
                                             "tallygate::Kernel::end_input",
                                             "tallygate::Kernel::recover_dead_owners",
                                             "tallygate::reconcile",
                                             "tallygate::resolve",
                                             "tallygate::change_scope"};

namespace {

constexpr std::int64_t farewell_ms = 2000;

// Plays one input and keeps count of what is owed.
class Conversation {
 public:
  explicit Conversation(std::string_view input) : script_(read_script(input)) {
    Vector vector;
    vector.policy = script_.policy;
    auto started = InProcess::start(vector);
    CHECK(started.ok());
    sidecar_ = std::move(started).value();
  }

  void play() {
    for (const ScriptStep& step : script_.steps) play(step);
    leave();
    check_store();
  }

 private:
  void play(const ScriptStep& step) {
    switch (step.kind) {
      case StepKind::host: {
        const Result<std::string> line = fill_in(step.text.view(), bindings_);
        return say(line ? *line : std::string(step.text.view().raw));
      }
      case StepKind::host_raw: return say(step.bytes);
      case StepKind::sidecar: return hear(step.text.view());
      case StepKind::end_input: return end_input();
      case StepKind::advance: return advance(step.number);
      case StepKind::act_as_operator: return act(step.text.view());
      case StepKind::restart: return restart();
      case StepKind::host_reads: return succeeds(sidecar_->set_host_reads(step.flag));
      default: return;
    }
  }

  static void succeeds(const Step& step) { CHECK(step.ok()); }

  bool has_ended() const { return sidecar_->exit_code().ok(); }

  void say(std::string bytes) {
    if (bytes.empty() || bytes.back() != '\n') bytes += '\n';
    if (has_ended() || input_ended_) return;
    LineBuffer lines(limits::line_size_max);
    lines.append(bytes);
    while (const auto line = lines.next()) owe(read_line(*line));
    succeeds(sidecar_->send(bytes));
  }

  void owe(const Event& event) {
    if (const auto* refused = std::get_if<LineRefused>(&event)) ++owed_[refused->id];
    const auto* received = std::get_if<LineReceived>(&event);
    if (received == nullptr) return;
    if (const auto* request = std::get_if<Request>(&received->message)) ++owed_[request->id];
  }

  void hear(JsonView expected) {
    const std::optional<std::string> line = sidecar_->next_line();
    if (!line) return;
    note(*line);
    const JsonText text(*line);
    static_cast<void>(find_difference(expected, text.view(), bindings_));
  }

  // What the sidecar says is a message, and pays for one that was owed or asks for a body.
  void note(const std::string& line) {
    CHECK(line.size() <= limits::line_size_max);
    const Result<JsonText> text = strict_json(line);
    CHECK(text.ok() && text->view().raw == line);
    const auto message = read_message(text->view());
    CHECK(std::holds_alternative<Message>(message));
    const auto& read = std::get<Message>(message);
    if (const auto* response = std::get_if<Response>(&read)) {
      const auto owed = owed_.find(response->id);
      CHECK(owed != owed_.end());
      if (--owed->second == 0) owed_.erase(owed);
    } else if (const auto* request = std::get_if<Request>(&read)) {
      ObjectReader in(request->params, "params");
      const std::string action = in.string("actionId");
      CHECK(asked_.emplace(action, in.integer("attempt")).second);
    }
  }

  void advance(std::int64_t ms) {
    if (!has_ended()) succeeds(sidecar_->advance(ms));
  }

  void act(JsonView step) {
    if (has_ended()) return;
    const Result<std::string> filled = fill_in(step, bindings_);
    if (!filled) return;
    const JsonText text(*filled);
    const Result<OperatorAct> act = read_operator_act(text.view());
    // A person may name what is not there, or what cannot be done.
    if (act) static_cast<void>(sidecar_->act(*act));
  }

  void end_input() {
    if (has_ended() || input_ended_) return;
    succeeds(sidecar_->end_input());
    input_ended_ = true;
  }

  void drain() {
    while (const auto line = sidecar_->next_line()) note(*line);
  }

  void restart() {
    drain();
    succeeds(sidecar_->kill());
    owed_.clear();  // the connection has ended: nobody answers any more
    input_ended_ = false;
    succeeds(sidecar_->start_again());
  }

  void leave() {
    succeeds(sidecar_->set_host_reads(true));
    end_input();
    advance(farewell_ms);
    CHECK(has_ended());
    drain();
    CHECK(owed_.empty());
  }

  void check_store() {
    const std::string path = sidecar_->store_path();
    succeeds(sidecar_->kill());
    RawStore store(path);
    const Books books(store);
    if (!books.complaint().empty()) std::fprintf(stderr, "%s\n", books.complaint().c_str());
    CHECK(books.complaint().empty());
    StoreOptions options;
    options.path = path;
    auto opened = Ledger::open(options);
    CHECK(opened.ok());
    auto reading = (*opened)->begin_reading(0);
    CHECK(reading.ok() && reading->audit_check().whole);
  }

  Script script_;
  std::unique_ptr<InProcess> sidecar_;
  Bindings bindings_;
  bool input_ended_ = false;
  std::map<std::string, int> owed_;                       // answers, by the id of the request
  std::set<std::pair<std::string, std::int64_t>> asked_;  // to run: action and attempt
};

}  // namespace

void fuzz_one(std::string_view input) { Conversation(input).play(); }

}  // namespace tallygate

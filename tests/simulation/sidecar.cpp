// Lives and turns of a sidecar.
#include "simulation/sidecar.h"

#include "protocol/line_buffer.h"

namespace tallygate::simulation {

bool Sidecar::start(int life, Now now, const Fault& fault) {
  life_ = life;
  process_ = std::make_unique<Process>(*place_.disk);
  process_->arm(fault);
  StoreOptions options = place_.options;
  options.vfs = process_->name();
  auto opened = Ledger::open(options);
  refusal_ = opened ? "" : opened.error().message;
  if (opened) {
    ledger_ = std::move(opened).value();
    const Step owner = ledger_->become_owner(actor(now, false).now.utc_ms);
    if (!owner) refusal_ = owner.error().message;
  }
  if (!refusal_.empty() || !process_->lives()) {
    die();
    return false;
  }
  process_->disarm();
  kernel_ = std::make_unique<Kernel>(*place_.policy, *ledger_, entropy_, "simulated");
  host_ = std::make_unique<Host>(dice_, witness_, memory_, place_.holder);
  awaited_.clear();
  outbox_.clear();
  left_.clear();
  was_struck_ = false;
  ordinal_ = 0;
  witness_.born(life, place_.holder, host_->can_execute());
  return true;
}

void Sidecar::die() {
  if (process_) process_->die();
  leave();
}

void Sidecar::leave() {
  kernel_.reset();
  ledger_.reset();
  host_.reset();
  witness_.died(life_);
}

Actor Sidecar::actor(Now now, bool end_input) const {
  return Actor{life_,
               {now.utc_ms + place_.skew_ms, now.boot_ms},
               end_input,
               place_.policy,
               place_.disk->writer_elsewhere};
}

Event Sidecar::take(const Letter& letter, const Actor& actor) {
  if (!letter.awaits.empty()) ++awaited_[letter.awaits];
  if (letter.when_read) letter.when_read(actor);
  return read_line({++ordinal_, letter.line, false});
}

Sidecar::Spoken Sidecar::turn(std::size_t count, const Actor& actor, const Fault& fault) {
  Spoken spoken;
  std::vector<Event> events;
  bool governs = false, settles = false;
  while (spoken.letters.size() < count) {
    std::optional<Letter> letter = host_->take();
    if (!letter) break;
    events.push_back(take(*letter, actor));
    governs |= letter->governs;
    settles |= letter->settles;
    spoken.letters.push_back(std::move(*letter));
  }
  spoken.kind = actor.input_ends     ? "the end"
                : governs && settles ? "a grant and settle"
                : governs            ? "a grant"
                : settles            ? "a settle"
                : events.empty()     ? "a wake"
                                     : "a question";
  if (actor.input_ends) events.emplace_back(InputEnded{});
  process_->arm(fault);
  std::vector<Event> all = std::exchange(left_, {});
  std::ranges::move(events, std::back_inserter(all));
  Effects effects = kernel_->turn(std::move(all), actor.now);
  process_->disarm();
  was_struck_ |= process_->fired() || place_.disk->full;
  spoken.died = !process_->lives();
  if (!spoken.died) read_effects(std::move(effects), spoken);
  return spoken;
}

void Sidecar::read_effects(Effects effects, Spoken& spoken) {
  for (const std::int64_t id : effects.withdrawn) {
    if (!withdraw(id)) spoken.wrong = "body " + std::to_string(id) + " is withdrawn, but has left";
  }
  for (std::string& text : effects.lines) {
    Said said = read_said(text);
    if (!said.is_message) spoken.wrong = "a line that is no message: " + text;
    spoken.lines.push_back({std::move(text), std::move(said)});
  }
  for (const Effects::Start& start : effects.starts) {
    spoken.lines.at(start.line).execute_id = start.execute_id;
  }
  for (const Line& line : spoken.lines) {
    const bool starts = line.said.method == "tools/execute";
    if (starts != (line.execute_id != 0)) spoken.wrong = "a start that is none: " + line.text;
  }
  spoken.finished = effects.finished;
}

bool Sidecar::withdraw(std::int64_t execute_id) {
  return std::erase_if(outbox_, [&](const Line& line) { return line.execute_id == execute_id; }) >
         0;
}

bool Sidecar::rest(bool idle, const Fault& fault) {
  process_->arm(fault);
  kernel_->rest(idle);
  process_->disarm();
  was_struck_ |= process_->fired() || place_.disk->full;
  return process_->lives();
}

std::string Sidecar::broke_by_itself() const {
  return was_struck_ || !is_broken() ? std::string() : ledger_->failure()->message;
}

std::string Sidecar::send(Line line) {
  const bool answers_nothing = line.said.is_reply() && --awaited_[line.said.id] < 0;
  const std::string id = line.said.id;
  outbox_.push_back(std::move(line));
  return answers_nothing ? "an answer to no request: " + id : std::string();
}

std::optional<Sidecar::Line> Sidecar::let_go(std::int64_t boot_ms) {
  if (outbox_.empty()) return std::nullopt;
  Line line = std::move(outbox_.front());
  outbox_.pop_front();
  if (line.execute_id != 0) left_.emplace_back(RequestLeft{line.execute_id, boot_ms});
  return line;
}

std::string Sidecar::unanswered() const {
  for (const auto& [id, count] : awaited_) {
    if (count != 0) return "request " + id + " was never answered";
  }
  return {};
}

}  // namespace tallygate::simulation

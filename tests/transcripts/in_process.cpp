#include "transcripts/in_process.h"

#include "policy/load.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace tallygate {
namespace {

Error failed(std::string message) { return Error{ErrorCode::usage, std::move(message), {}}; }

Result<Policy> load(const std::string& path) {
  if (path.empty()) return Policy{};
  auto loaded = load_policy_file(std::filesystem::absolute(path).string());
  if (auto* complaints = std::get_if<Complaints>(&loaded)) return failed(complaints->front());
  return std::move(std::get<Policy>(loaded));
}

}  // namespace

Result<std::unique_ptr<InProcess>> InProcess::start(const Vector& vector) {
  std::unique_ptr<InProcess> sidecar(new InProcess);
  Result<Policy> policy = load(vector.policy);
  if (!policy) return policy.error();
  sidecar->policy_ = std::move(policy).value();
  if (const Step step = sidecar->start_again(); !step) return step.error();
  return sidecar;
}

StoreOptions InProcess::store() const {
  StoreOptions options;
  options.path = folder_.file("store.db");
  return options;
}

Step InProcess::start_again() {
  Result<std::unique_ptr<Ledger>> ledger = Ledger::open(store());
  if (!ledger) return ledger.error();
  ledger_ = std::move(ledger).value();
  if (Step step = ledger_->become_owner(clock_.now().utc_ms); !step) return step;
  kernel_.emplace(policy_, *ledger_, entropy_, "0.0.0");
  lines_.emplace(limits::line_size_max);
  finished_ = false;
  turn({});
  return Done{};
}

Step InProcess::kill() {
  kernel_.reset();
  ledger_.reset();
  left_.clear();
  if (!host_reads_) said_.clear();  // it died with what the host had not taken
  host_reads_ = true;
  return Done{};
}

void InProcess::turn(std::vector<Event> events) {
  std::vector<Event> all = std::exchange(left_, {});
  std::ranges::move(events, std::back_inserter(all));
  Effects effects = kernel_->turn(std::move(all), clock_.now());
  for (std::string& note : effects.notes) notes_.push_back(std::move(note));
  finished_ = effects.finished;
  hand_over(std::move(effects));
  kernel_->rest(false);
}

void InProcess::hand_over(Effects effects) {
  std::erase_if(said_, [&](const Said& said) {
    return std::ranges::find(effects.withdrawn, said.execute_id) != effects.withdrawn.end();
  });
  const std::size_t before = said_.size();
  for (std::string& line : effects.lines) said_.push_back({std::move(line)});
  for (const Effects::Start& start : effects.starts) {
    said_[before + start.line].execute_id = start.execute_id;
    if (host_reads_) note_left(start.execute_id);
  }
}

void InProcess::note_left(std::int64_t execute_id) {
  left_.emplace_back(RequestLeft{execute_id, clock_.now().boot_ms});
}

Step InProcess::send(std::string_view bytes) {
  if (finished_) return failed("the input has ended");
  std::vector<Event> events;
  // In pieces, as the loop reads them: a line may be longer than what is read at once.
  while (!bytes.empty()) {
    lines_->append(bytes.substr(0, limits::turn_bytes_max));
    bytes.remove_prefix(std::min(bytes.size(), limits::turn_bytes_max));
    while (const auto line = lines_->next()) events.push_back(read_line(*line));
  }
  turn(std::move(events));
  return Done{};
}

std::optional<std::string> InProcess::next_line() {
  if (said_.empty() || !host_reads_) return std::nullopt;
  std::string line = std::move(said_.front().line);
  said_.pop_front();
  return line;
}

Step InProcess::end_input() {
  if (finished_) return failed("the input has ended");
  std::vector<Event> events;
  events.emplace_back(InputEnded{});
  turn(std::move(events));
  return Done{};
}

Step InProcess::advance(std::int64_t ms) {
  clock_.advance(ms);
  turn({});
  return Done{};
}

Step InProcess::act(const OperatorAct& act) {
  if (Step step = carry_out(act, store(), policy_, clock_.now()); !step) return step;
  return advance(limits::scope_watch_interval_ms);  // so long it may take the sidecar to see it
}

Step InProcess::set_host_reads(bool reads) {
  if (reads && !host_reads_) {
    for (const Said& said : said_) {
      if (said.execute_id != 0) note_left(said.execute_id);
    }
  }
  host_reads_ = reads;
  return Done{};
}

Result<std::optional<int>> InProcess::exit_code() {
  if (!finished_) return failed("the kernel has not finished");
  return std::optional<int>();
}

std::string InProcess::diagnosis() const {
  std::string text;
  for (const std::string& note : notes_) text += note + "\n";
  return text;
}

}  // namespace tallygate

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
  StoreOptions options;
  options.path = sidecar->folder_.file("store.db");
  Result<std::unique_ptr<Ledger>> ledger = Ledger::open(options);
  if (!ledger) return ledger.error();
  sidecar->ledger_ = std::move(ledger).value();
  if (const Step step = sidecar->ledger_->become_owner(sidecar->clock_.now().utc_ms); !step) {
    return step.error();
  }
  sidecar->kernel_.emplace(sidecar->policy_, *sidecar->ledger_, sidecar->entropy_, "0.0.0");
  sidecar->turn({});
  return sidecar;
}

void InProcess::turn(std::vector<Event> events) {
  std::vector<Event> all = std::exchange(left_, {});
  std::ranges::move(events, std::back_inserter(all));
  Effects effects = kernel_->turn(std::move(all), clock_.now());
  for (const Effects::Start& start : effects.starts) {
    left_.emplace_back(RequestLeft{start.execute_id, clock_.now().boot_ms});
  }
  for (std::string& line : effects.lines) said_.push_back(std::move(line));
  for (std::string& note : effects.notes) notes_.push_back(std::move(note));
  finished_ = effects.finished;
  kernel_->rest(false);
}

Step InProcess::send(std::string_view bytes) {
  if (finished_) return failed("the input has ended");
  std::vector<Event> events;
  // In pieces, as the loop reads them: a line may be longer than what is read at once.
  while (!bytes.empty()) {
    lines_.append(bytes.substr(0, limits::turn_bytes_max));
    bytes.remove_prefix(std::min(bytes.size(), limits::turn_bytes_max));
    while (const auto line = lines_.next()) events.push_back(read_line(*line));
  }
  turn(std::move(events));
  return Done{};
}

std::optional<std::string> InProcess::next_line() {
  if (said_.empty()) return std::nullopt;
  std::string line = std::move(said_.front());
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

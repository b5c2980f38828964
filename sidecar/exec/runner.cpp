#include "exec/runner.h"

#include "exec/adopted.h"
#include "exec/job.h"
#include "exec/survivors.h"
#include "protocol/limits.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

namespace asio = boost::asio;

// How often what was killed is looked for again.
constexpr std::chrono::milliseconds orphans_interval{10};

}  // namespace

class Runner::Impl {
 public:
  Impl(asio::io_context& io, Clock& clock, Report report)
      : io_(io),
        clock_(clock),
        report_(std::move(report)),
        orphans_timer_(io),
        adopted_(io, [this](std::int64_t pid) { return leads(pid); }) {}

  ~Impl() {
    for (auto& [id, entry] : jobs_) entry.job->kill();  // all at once, then one by one
    for (auto& [id, entry] : jobs_) entry.job->abandon();
    jobs_.clear();
    adopted_.end_all();
  }

  void carry_out(const Effects& effects) {
    for (const std::int64_t id : effects.released)
      with_job(id, [](Entry& it) { it.job->release(); });
    for (const Effects::Stop& stop : effects.stops) {
      with_job(stop.execute_id, [&](Entry& it) { it.job->stop(stop.grace_ms); });
    }
    for (const std::int64_t id : effects.withdrawn) withdraw(id);
    for (const Execution& execution : effects.executions) waiting_.push_back(execution);
    for (const Effects::Orphans& orphans : effects.orphans) add_orphans(orphans);
    begin_waiting();
  }

 private:
  struct Entry {
    std::shared_ptr<Job> job;
    bool is_withdrawn = false;  // nobody wants to hear of its end
  };

  template <class Act>
  void with_job(std::int64_t id, Act act) {
    const auto place = jobs_.find(id);
    if (place != jobs_.end() && !place->second.is_withdrawn) act(place->second);
  }

  void withdraw(std::int64_t id) {
    std::erase_if(waiting_, [&](const Execution& one) { return one.execute_id == id; });
    with_job(id, [](Entry& entry) {
      entry.is_withdrawn = true;
      entry.job->kill();
    });
  }

  void begin_waiting() {
    while (!waiting_.empty() && jobs_.size() < limits::executions_max) {
      Execution execution = std::move(waiting_.front());
      waiting_.pop_front();
      begin(std::move(execution));
    }
  }

  void begin(Execution execution) {
    const std::int64_t id = execution.execute_id;
    auto job = std::make_shared<Job>(
        io_, clock_, [this](ExecutionEnded ended) { note_ended(std::move(ended)); });
    if (const auto error = job->begin(std::move(execution))) {
      ExecutionEnded ended;
      ended.execute_id = id;
      ended.number = *error;
      ended.place = "no process could be made for the tool";
      return tell(std::move(ended));
    }
    tell(ExecutionForked{id, job->mark()});
    jobs_.emplace(id, Entry{std::move(job)});
  }

  void note_ended(ExecutionEnded ended) {
    const auto place = jobs_.find(ended.execute_id);
    const bool is_withdrawn = place->second.is_withdrawn;
    const std::shared_ptr<Job> job = std::move(place->second.job);
    jobs_.erase(place);
    adopted_.end_rest_of(job->mark().pid, job->action_id());
    if (!is_withdrawn) report_(std::move(ended));
    begin_waiting();
  }

  bool leads(std::int64_t pid) const {
    return std::ranges::any_of(
        jobs_, [&](const auto& entry) { return entry.second.job->mark().pid == pid; });
  }

  void tell(Event event) {
    auto shared = std::make_shared<Event>(std::move(event));
    asio::post(io_, [this, shared] { report_(std::move(*shared)); });
  }

  void add_orphans(const Effects::Orphans& orphans) {
    const bool is_known = std::ranges::any_of(
        orphans_, [&](const auto& known) { return known.action == orphans.action; });
    if (is_known) return;
    orphans_.push_back(orphans);
    if (orphans_.size() == 1) asio::post(io_, [this] { end_orphans(); });
  }

  void end_orphans() {
    for (const Effects::Orphans& over : end_survivors(orphans_)) {
      std::erase_if(orphans_, [&](const auto& each) { return each.action == over.action; });
      tell(OrphansGone{over.action});
    }
    if (orphans_.empty()) return;
    orphans_timer_.expires_after(orphans_interval);
    orphans_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) end_orphans();
    });
  }

  asio::io_context& io_;
  Clock& clock_;
  Report report_;
  std::map<std::int64_t, Entry> jobs_;
  std::deque<Execution> waiting_;
  std::vector<Effects::Orphans> orphans_;
  asio::steady_timer orphans_timer_;
  Adopted adopted_;
};

Runner::Runner(asio::io_context& io, Clock& clock, Report report)
    : impl_(std::make_unique<Impl>(io, clock, std::move(report))) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, the ends of children would be lost
}

Runner::~Runner() = default;

void Runner::carry_out(const Effects& effects) { impl_->carry_out(effects); }

}  // namespace tallygate

// One thread per host: while it waits for its child, others run.
#include "crowd.h"

#include <exception>
#include <future>

namespace tallygate::bench {

void at_once(const Crowd& crowd, const std::function<void(Subject&)>& work,
             const std::function<void()>& meanwhile) {
  std::vector<std::future<void>> hosts;
  for (const auto& subject : crowd) {
    hosts.push_back(std::async(std::launch::async, [&work, &subject] { work(*subject); }));
  }
  std::exception_ptr failure;
  const auto keep = [&](const std::function<void()>& act) {
    try {
      act();
    } catch (...) {
      failure = std::current_exception();
    }
  };
  keep(meanwhile);
  for (std::future<void>& host : hosts) keep([&] { host.get(); });
  if (failure) std::rethrow_exception(failure);
}

void finish(const Crowd& crowd) {
  for (const auto& subject : crowd) subject->finish();
}

}  // namespace tallygate::bench

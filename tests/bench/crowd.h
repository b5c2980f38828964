// Several children with a host each, all at work at once.
#pragma once

#include "subject.h"

#include <functional>
#include <memory>
#include <vector>

namespace tallygate::bench {

using Crowd = std::vector<std::unique_ptr<Subject>>;

// Lets `work` run for every subject, in a thread each, and starts `meanwhile` beside them. Rethrows
// what one of them threw, once all have ended.
void at_once(
    const Crowd& crowd, const std::function<void(Subject&)>& work,
    const std::function<void()>& meanwhile = [] {});

// Ends them all. Throws std::runtime_error when one does not end well.
void finish(const Crowd& crowd);

}  // namespace tallygate::bench

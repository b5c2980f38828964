// tallygate for C++: budgets, rules and approvals in front of an agent's tool calls. Start with
// `Gate` in tallygate/gate.hpp; README.md shows how. C++20, Linux, Boost 1.81 or newer (Process,
// JSON, System), all of it headers.
//
// Boost.JSON needs its definitions once in a program: link boost_json, or say
//   #include <boost/json/src.hpp>
// in exactly one source file. Threads are needed: link with -pthread.
#pragma once

#include "tallygate/bodies.hpp"  // the functions behind tools, on threads
#include "tallygate/child.hpp"   // the sidecar as a process that speaks lines
#include "tallygate/gate.hpp"    // Gate: what a host uses
#include "tallygate/peer.hpp"    // requests and answers
#include "tallygate/values.hpp"  // ActionResult, Budget, Error, ...

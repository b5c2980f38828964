// Reads an input of the session target: steps of protocol/vectors, and lines that are none.
#pragma once

#include "protocol/json_view.h"
#include "transcripts/vectors.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct ScriptStep {
  StepKind kind = StepKind::host_raw;
  JsonText text;            // of host, sidecar and operator
  std::string bytes;        // of host_raw
  std::int64_t number = 0;  // milliseconds
  bool flag = false;
};

struct Script {
  std::string policy;  // the path of one of the policies of protocol/vectors, or empty
  std::vector<ScriptStep> steps;
};

// Never refuses: a line that is no step is the host's, as it stands.
Script read_script(std::string_view input);

}  // namespace tallygate

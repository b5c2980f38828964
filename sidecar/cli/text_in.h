// Texts that a command is given: whole, bounded, from stdin or from a file.
#pragma once

#include "protocol/result.h"

#include <string>

namespace tallygate {

// Up to limits::line_size_max bytes; more is an error.
Result<std::string> read_stdin();
Result<std::string> read_file(const std::string& path);

}  // namespace tallygate

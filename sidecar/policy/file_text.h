// A configuration file as text.
#pragma once

#include <string>

namespace tallygate {

// Appends what the file holds to `text`; returns why it cannot be read, or nothing.
std::string read_file_text(const std::string& path, std::string& text);

}  // namespace tallygate

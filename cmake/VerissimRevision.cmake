# Run at build time: writes the git revision of SOURCE into the header OUTPUT; "" where SOURCE is no checkout. The file
# is touched only when that changed.
set(revision "")
find_program(git git)
if(git AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE revision RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${git} -C ${SOURCE} diff-index --quiet HEAD -- RESULT_VARIABLE changed ERROR_QUIET)
  if(failed)
    set(revision "")
  elseif(changed)
    string(APPEND revision " with changes")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once

namespace verissim::cli {
inline constexpr const char* kRevision = \"@revision@\";
}  // namespace verissim::cli
" @ONLY)

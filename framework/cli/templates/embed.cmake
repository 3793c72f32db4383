# SPDX-License-Identifier: Apache-2.0
# cmake -P embed.cmake FOLDER OUT TEMPLATE...
#
# Writes OUT, the definition of plugin_templates() (templates.h) with the texts of FOLDER/TEMPLATE.in; a template is
# KIND/PATH.
math(EXPR last "${CMAKE_ARGC} - 1")
set(folder "${CMAKE_ARGV3}")
set(out "${CMAKE_ARGV4}")

set(rows "")
foreach(i RANGE 5 ${last})
  set(template "${CMAKE_ARGV${i}}")
  string(REGEX MATCH "^([a-z]+)/(.*)$" matched "${template}")
  set(kind "${CMAKE_MATCH_1}")
  set(path "${CMAKE_MATCH_2}")
  file(READ "${folder}/${template}.in" text)
  string(APPEND rows "    {\"${kind}\", \"${path}\", R\"~~~~(${text})~~~~\"},\n")
endforeach()
file(WRITE "${out}" "// Written by embed.cmake.
#include \"cli/templates/templates.h\"

namespace ttfm::cli {

std::span<const Template> plugin_templates() {
  static constexpr Template kTemplates[] = {
${rows}  };
  return kTemplates;
}

}  // namespace ttfm::cli
")

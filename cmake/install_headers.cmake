# Copies the public headers to include/semwave/, so that a user writes `#include <semwave/phy/burst/burst.h>`. Their own includes, which name the
# tree ("phy/..."), get the prefix too: nothing but include/ has to be on a user's path. Runs at install time; SOURCE is the tree.
set(rooms core phy channel transmitter receiver experiment node)
set(headers apps/semwave_main.h)  # the other headers of apps need CLI11, which a program that adds a gate does not
foreach(room ${rooms})
  file(GLOB_RECURSE found RELATIVE ${SOURCE} ${SOURCE}/${room}/*.h)
  list(APPEND headers ${found})
endforeach()

# Engines and kernels: what they are made of changes with every release.
list(FILTER headers EXCLUDE REGEX "_impl\\.h$|_engine\\.h$|_kernels\\.h$|/ldpc_(decoder|min_sum)\\.h$")
list(FILTER headers EXCLUDE REGEX "/(cpu|cuda)/[^/]*\\.h$")

string(REPLACE ";" "|" any_room "${rooms}")
foreach(header ${headers})
  file(READ ${SOURCE}/${header} text)
  string(REGEX REPLACE "#include \"((${any_room}|apps)/[^\"]*)\"" "#include <semwave/\\1>" text "${text}")
  set(installed "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/include/semwave/${header}")
  set(before "")
  if(EXISTS ${installed})
    file(READ ${installed} before)
  endif()
  if(NOT text STREQUAL before)
    file(WRITE ${installed} "${text}")
  endif()
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${installed})
endforeach()

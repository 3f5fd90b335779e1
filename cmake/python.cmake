# The Python module `semwave` (python/): built where Debian's pybind11-dev and python3-dev are, left out with a message elsewhere. It belongs to
# the target `all` and not to `semwave`, so that the program alone is not made slower to build.
option(SEMWAVE_PYTHON_MODULE "Build the Python module where pybind11 and Python's headers are there" ON)
set(SEMWAVE_PYTHON_DIR "lib/python3/dist-packages" CACHE STRING "Where cmake --install puts the Python module, below the prefix")

set(SEMWAVE_PYTHON_MODULE_BUILT OFF)
if(NOT SEMWAVE_PYTHON_MODULE OR SEMWAVE_SANITIZE)
  message(STATUS "Python module: not built (SEMWAVE_PYTHON_MODULE is OFF, or a sanitizer would have to be loaded before Python)")
  return()
endif()
# Debian's packages (python3-numpy, python3-torch) serve the system's Python; another one may stand before it in PATH.
if(NOT DEFINED Python_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python 3.9 COMPONENTS Interpreter Development.Module QUIET)
find_package(pybind11 2.10 CONFIG QUIET)
if(NOT Python_Development.Module_FOUND OR NOT pybind11_FOUND)
  message(STATUS "Python module: not built (apt-get install pybind11-dev python3-dev python3-numpy)")
  return()
endif()
message(STATUS "Python module: for ${Python_EXECUTABLE} ${Python_VERSION}")
set(SEMWAVE_PYTHON_MODULE_BUILT ON)

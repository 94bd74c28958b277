# nativeconc waits on Linux futexes; stop early and plainly anywhere else.
# Included before project(), so that not even a compiler is looked for in vain.
if(NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  message(
    FATAL_ERROR
    "nativeconc runs on Linux only: there is no build for ${CMAKE_HOST_SYSTEM_NAME} yet."
  )
endif()

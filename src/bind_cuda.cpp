// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The GPU library as private functions: numbers and buffers in, codes turned into exceptions.
// Checking the arguments and everything about CuPy is python/nativeconc/cuda.py's business.
//
// Every call into the library, opening it included, is made without the GIL: the driver has locks
// of its own, and other threads may ask for the GIL while they hold one of those. The functions are
// plain PyCFunctions of straight-line code (python.hpp says why), so nothing in them has a
// destructor.

#include <cstdint>
#include <cstring>

#include "bindings.hpp"
#include "cuda_library.hpp"
#include "errors.hpp"
#include "heap_type.hpp"
#include "nativeconc/base/dtype.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

PyObject* raise(std::int32_t code, const NativeconcCudaError& error) {
  if (PyErr_Occurred() != nullptr) return nullptr;  // a signal handler raised
  PyObject* type = PyExc_RuntimeError;
  if (code == NATIVECONC_CUDA_INVALID) type = PyExc_ValueError;
  if (code == NATIVECONC_CUDA_UNAVAILABLE) type = errors().cuda_unavailable_error;
  if (code == NATIVECONC_CUDA_OUT_OF_MEMORY) type = PyExc_MemoryError;
  PyErr_SetString(type, error.message);
  return nullptr;
}

// The library, or null with an error set.
const CudaLibrary* require_library() {
  const CudaLibrary* const library = cuda_library();
  if (library == nullptr) {
    PyErr_SetString(errors().cuda_unavailable_error, "The GPU library has not been opened.");
  }
  return library;
}

bool expect_arguments(const char* function, Py_ssize_t given, Py_ssize_t wanted) {
  if (given == wanted) return true;
  PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, not %zd", function, wanted, given);
  return false;
}

bool to_int32(PyObject* object, std::int32_t* value) {
  const long long number = PyLong_AsLongLong(object);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  if (number < INT32_MIN || number > INT32_MAX) {
    PyErr_SetString(PyExc_OverflowError, "the number does not fit into 32 bits");
    return false;
  }
  *value = static_cast<std::int32_t>(number);
  return true;
}

bool to_int64(PyObject* object, std::int64_t* value) {
  *value = PyLong_AsLongLong(object);
  return *value != -1 || PyErr_Occurred() == nullptr;
}

bool to_uint64(PyObject* object, std::uint64_t* value) {
  *value = PyLong_AsUnsignedLongLong(object);
  return *value != UINT64_MAX || PyErr_Occurred() == nullptr;
}

bool to_double(PyObject* object, double* value) {
  *value = PyFloat_AsDouble(object);
  return *value != -1.0 || PyErr_Occurred() == nullptr;
}

// What a poll needs to get at Python from inside a call into the library.
struct Signals {
  PyThreadState* state;
};

// Below the library's frames only the main thread may wait for the GIL: it alone runs signal
// handlers, and the interpreter does not end it at exit.
std::int32_t run_signal_handlers(void* context) {
  Signals* const signals = static_cast<Signals*>(context);
  PyEval_RestoreThread(signals->state);
  const int raised = PyErr_CheckSignals();
  signals->state = PyEval_SaveThread();
  return raised != 0 ? 1 : 0;
}

// cuda_open(path) -> None, or the sentence that says why not
PyObject* cuda_open(PyObject*, PyObject* path) {
  const char* const utf8 = PyUnicode_AsUTF8(path);
  if (utf8 == nullptr) return nullptr;
  char reason[1024] = "";
  PyThreadState* const state = PyEval_SaveThread();
  const bool is_open = open_cuda_library(utf8, reason, sizeof reason);
  PyEval_RestoreThread(state);
  if (is_open) Py_RETURN_NONE;
  return PyUnicode_DecodeUTF8(reason, static_cast<Py_ssize_t>(std::strlen(reason)), "replace");
}

// cuda_state() -> (usable, driver version, library version, oldest compute, device count, message)
PyObject* cuda_state(PyObject*, PyObject*) {
  const CudaLibrary* const library = require_library();
  if (library == nullptr) return nullptr;
  NativeconcCudaState found;
  PyThreadState* const state = PyEval_SaveThread();
  library->state(&found);
  PyEval_RestoreThread(state);
  return Py_BuildValue("(Oiiiis)", found.code == NATIVECONC_CUDA_OK ? Py_True : Py_False,
                       found.driver_version, found.library_version, found.oldest_compute,
                       found.device_count, found.message);
}

// cuda_device(index) -> (name, major, minor, memory, multiprocessors, has pools, usable)
PyObject* cuda_device(PyObject*, PyObject* argument) {
  const CudaLibrary* const library = require_library();
  std::int32_t index = 0;
  if (library == nullptr || !to_int32(argument, &index)) return nullptr;
  NativeconcCudaDevice device;
  NativeconcCudaError error;
  PyThreadState* const state = PyEval_SaveThread();
  const std::int32_t code = library->device(index, &device, &error);
  PyEval_RestoreThread(state);
  if (code != NATIVECONC_CUDA_OK) return raise(code, error);
  return Py_BuildValue("(siiLiOO)", device.name, device.compute_major, device.compute_minor,
                       static_cast<long long>(device.memory_bytes), device.multiprocessors,
                       device.has_memory_pools != 0 ? Py_True : Py_False,
                       device.usable != 0 ? Py_True : Py_False);
}

// cuda_pointer_device(address) -> index
PyObject* cuda_pointer_device(PyObject*, PyObject* argument) {
  const CudaLibrary* const library = require_library();
  std::uint64_t address = 0;
  if (library == nullptr || !to_uint64(argument, &address)) return nullptr;
  std::int32_t device = 0;
  NativeconcCudaError error;
  PyThreadState* const state = PyEval_SaveThread();
  const std::int32_t code = library->pointer_device(address, &device, &error);
  PyEval_RestoreThread(state);
  return code == NATIVECONC_CUDA_OK ? PyLong_FromLong(device) : raise(code, error);
}

// From a tuple of ints. The number of them is in *n.
bool to_extents(PyObject* tuple, std::int64_t* extents, std::int32_t* n) {
  if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) > NATIVECONC_CUDA_MAX_DIMS) {
    PyErr_Format(PyExc_ValueError, "expected a tuple of at most %d ints", NATIVECONC_CUDA_MAX_DIMS);
    return false;
  }
  *n = static_cast<std::int32_t>(PyTuple_GET_SIZE(tuple));
  for (std::int32_t i = 0; i < *n; ++i) {
    if (!to_int64(PyTuple_GET_ITEM(tuple, i), &extents[i])) return false;
  }
  return true;
}

bool to_place(PyObject* const* arguments, NativeconcCudaPlace* place) {
  place->reserved = 0;
  return to_int32(arguments[0], &place->device) && to_uint64(arguments[1], &place->stream) &&
         to_uint64(arguments[2], &place->producer);
}

// cuda_sum(address, dtype, shape, strides, out address, device, stream, producer's stream)
PyObject* cuda_sum(PyObject*, PyObject* const* arguments, Py_ssize_t n_arguments) {
  if (!expect_arguments("cuda_sum", n_arguments, 8)) return nullptr;
  const CudaLibrary* const library = require_library();
  if (library == nullptr) return nullptr;
  NativeconcCudaArray array;
  NativeconcCudaPlace place;
  std::uint64_t data = 0;
  std::uint64_t out = 0;
  std::int32_t n_strides = 0;
  if (!to_uint64(arguments[0], &data) || !to_int32(arguments[1], &array.dtype) ||
      !to_extents(arguments[2], array.shape, &array.ndim) ||
      !to_extents(arguments[3], array.strides, &n_strides) || !to_uint64(arguments[4], &out) ||
      !to_place(arguments + 5, &place)) {
    return nullptr;
  }
  if (n_strides != array.ndim) {
    PyErr_SetString(PyExc_ValueError, "shape and strides must have the same length");
    return nullptr;
  }
  array.data = reinterpret_cast<const void*>(static_cast<std::uintptr_t>(data));
  void* const result = reinterpret_cast<void*>(static_cast<std::uintptr_t>(out));
  NativeconcCudaError error;
  PyThreadState* const state = PyEval_SaveThread();
  const std::int32_t code = library->sum(&array, &place, result, &error);
  PyEval_RestoreThread(state);
  if (code != NATIVECONC_CUDA_OK) return raise(code, error);
  Py_RETURN_NONE;
}

// cuda_sum_host(buffer, dtype, device) -> float or int. The buffer is C-contiguous.
PyObject* cuda_sum_host(PyObject*, PyObject* const* arguments, Py_ssize_t n_arguments) {
  if (!expect_arguments("cuda_sum_host", n_arguments, 3)) return nullptr;
  const CudaLibrary* const library = require_library();
  std::int32_t dtype = 0;
  std::int32_t device = 0;
  if (library == nullptr || !to_int32(arguments[1], &dtype) || !to_int32(arguments[2], &device)) {
    return nullptr;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(arguments[0], &view, PyBUF_C_CONTIGUOUS) != 0) return nullptr;
  if (dtype < 0 || dtype > 3 || view.itemsize != static_cast<Py_ssize_t>(size_of(Dtype{dtype}))) {
    PyBuffer_Release(&view);
    PyErr_SetString(PyExc_ValueError, "the buffer's elements are not of the dtype given");
    return nullptr;
  }
  union {
    float as_float;
    double as_double;
    std::int64_t as_int;
  } result{.as_int = 0};
  NativeconcCudaError error;
  Signals signals{};
  const NativeconcCudaPoll poll = is_main_thread() ? &run_signal_handlers : nullptr;
  signals.state = PyEval_SaveThread();
  const std::int32_t code = library->sum_host(view.buf, dtype, view.len / view.itemsize, device,
                                              poll, &signals, &result, &error);
  PyEval_RestoreThread(signals.state);
  PyBuffer_Release(&view);
  if (code != NATIVECONC_CUDA_OK) return raise(code, error);
  if (Dtype{dtype} == Dtype::float32) return PyFloat_FromDouble(result.as_float);
  if (Dtype{dtype} == Dtype::float64) return PyFloat_FromDouble(result.as_double);
  return PyLong_FromLongLong(result.as_int);
}

bool to_frame(PyObject* const* arguments, NativeconcCudaFrame* frame) {
  frame->reserved = 0;
  return to_double(arguments[0], &frame->re_lo) && to_double(arguments[1], &frame->re_hi) &&
         to_double(arguments[2], &frame->im_lo) && to_double(arguments[3], &frame->im_hi) &&
         to_int64(arguments[4], &frame->width) && to_int64(arguments[5], &frame->height) &&
         to_int32(arguments[6], &frame->max_iter);
}

// cuda_mandelbrot(re_lo, re_hi, im_lo, im_hi, width, height, max_iter, out address, device, stream,
// producer's stream)
PyObject* cuda_mandelbrot(PyObject*, PyObject* const* arguments, Py_ssize_t n_arguments) {
  if (!expect_arguments("cuda_mandelbrot", n_arguments, 11)) return nullptr;
  const CudaLibrary* const library = require_library();
  NativeconcCudaFrame frame;
  NativeconcCudaPlace place;
  std::uint64_t out = 0;
  if (library == nullptr || !to_frame(arguments, &frame) || !to_uint64(arguments[7], &out) ||
      !to_place(arguments + 8, &place)) {
    return nullptr;
  }
  auto* const pixels = reinterpret_cast<std::int32_t*>(static_cast<std::uintptr_t>(out));
  NativeconcCudaError error;
  PyThreadState* const state = PyEval_SaveThread();
  const std::int32_t code = library->mandelbrot(&frame, &place, pixels, &error);
  PyEval_RestoreThread(state);
  if (code != NATIVECONC_CUDA_OK) return raise(code, error);
  Py_RETURN_NONE;
}

// cuda_mandelbrot_host(re_lo, re_hi, im_lo, im_hi, width, height, max_iter, out buffer, device)
PyObject* cuda_mandelbrot_host(PyObject*, PyObject* const* arguments, Py_ssize_t n_arguments) {
  if (!expect_arguments("cuda_mandelbrot_host", n_arguments, 9)) return nullptr;
  const CudaLibrary* const library = require_library();
  NativeconcCudaFrame frame;
  std::int32_t device = 0;
  if (library == nullptr || !to_frame(arguments, &frame) || !to_int32(arguments[8], &device)) {
    return nullptr;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(arguments[7], &view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) != 0) {
    return nullptr;
  }
  std::int64_t pixels = 0;
  if (frame.width < 0 || frame.height < 0 || view.itemsize != 4 ||
      __builtin_mul_overflow(frame.width, frame.height, &pixels) || pixels != view.len / 4) {
    PyBuffer_Release(&view);
    PyErr_SetString(PyExc_ValueError, "the buffer does not hold width * height int32 elements");
    return nullptr;
  }
  NativeconcCudaError error;
  Signals signals{};
  const NativeconcCudaPoll poll = is_main_thread() ? &run_signal_handlers : nullptr;
  signals.state = PyEval_SaveThread();
  const std::int32_t code = library->mandelbrot_host(&frame, device, poll, &signals,
                                                     static_cast<std::int32_t*>(view.buf), &error);
  PyEval_RestoreThread(signals.state);
  PyBuffer_Release(&view);
  if (code != NATIVECONC_CUDA_OK) return raise(code, error);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"cuda_open", cuda_open, METH_O, nullptr},
    {"cuda_state", cuda_state, METH_NOARGS, nullptr},
    {"cuda_device", cuda_device, METH_O, nullptr},
    {"cuda_pointer_device", cuda_pointer_device, METH_O, nullptr},
    {"cuda_sum", as_method(cuda_sum), METH_FASTCALL, nullptr},
    {"cuda_sum_host", as_method(cuda_sum_host), METH_FASTCALL, nullptr},
    {"cuda_mandelbrot", as_method(cuda_mandelbrot), METH_FASTCALL, nullptr},
    {"cuda_mandelbrot_host", as_method(cuda_mandelbrot_host), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_cuda(py::module_& m) {
  if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam

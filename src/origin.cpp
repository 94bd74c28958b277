// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "origin.hpp"

#include <vector>

#include "heap_type.hpp"
#include "lock_order.hpp"

namespace nativeconc::seam {
namespace {

PyObject* threading_file = nullptr;  // the co_filename of threading's code

PyObject* file_of(const PyCodeObject* code) { return code->co_filename; }

bool is_passed_over(const PyCodeObject* code) {
  PyObject* file = file_of(code);
  if (file == threading_file) return true;
  return threading_file != nullptr && PyUnicode_Compare(file, threading_file) == 0;
}

int line_of(const PyCodeObject* code, int instruction) {
  return PyCode_Addr2Line(const_cast<PyCodeObject*>(code), instruction);
}

}  // namespace

Place current_place() {
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (frame != nullptr) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    if (!is_passed_over(code)) {
      const Place place{code, PyFrame_GetLasti(frame)};
      Py_DECREF(frame);
      return place;
    }
    Py_DECREF(code);
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  return {};
}

PyObject* describe_place(const PyCodeObject* code, int instruction) {
  if (code == nullptr) return Py_NewRef(Py_None);
  return Py_BuildValue("OiO", file_of(code), line_of(code, instruction), code->co_qualname);
}

PyObject* describe_stack() {
  constexpr Py_ssize_t kMost = 32;
  PyObject* places = PyList_New(0);
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (places != nullptr && frame != nullptr && PyList_GET_SIZE(places) < kMost) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    PyObject* place = describe_place(code, PyFrame_GetLasti(frame));
    Py_DECREF(code);
    if (place == nullptr || PyList_Append(places, place) != 0) Py_CLEAR(places);
    Py_XDECREF(place);
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  Py_XDECREF(frame);
  if (places == nullptr || PyList_Reverse(places) != 0) {
    Py_XDECREF(places);
    return nullptr;
  }
  PyObject* tuple = PyList_AsTuple(places);
  Py_DECREF(places);
  return tuple;
}

void begin_origin(Origin& origin) {
  const Place place = current_place();
  origin.code = place.code;
  origin.instruction = place.instruction;
}

void end_origin(Origin& origin) {
  const std::uint64_t own_node = origin.own_node.load(std::memory_order_relaxed);
  if (own_node != 0) forget_order_node(own_node);
  Py_CLEAR(origin.code);
  Py_CLEAR(origin.name);
}

bool set_name([[maybe_unused]] PyObject* lock, Origin& origin, PyObject* name) {
  if (name != Py_None && PyUnicode_Check(name) == 0) {
    PyErr_Format(PyExc_TypeError, "name must be a str or None, not %.100s", Py_TYPE(name)->tp_name);
    return false;
  }
  NATIVECONC_BEGIN_EXCLUSIVE(lock);
  Py_XSETREF(origin.name, name == Py_None ? nullptr : Py_NewRef(name));
  NATIVECONC_END_EXCLUSIVE();
  return true;
}

PyObject* get_name([[maybe_unused]] PyObject* lock, Origin& origin) {
  PyObject* name = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(lock);
  name = Py_XNewRef(origin.name);
  NATIVECONC_END_EXCLUSIVE();
  return name == nullptr ? Py_NewRef(Py_None) : name;
}

std::string class_key(PyObject* lock, Origin& origin) {
  const auto utf8 = [](PyObject* text) {
    const char* chars = PyUnicode_AsUTF8(text);
    if (chars == nullptr) PyErr_Clear();  // lone surrogates: they are all one to us
    return std::string(chars == nullptr ? "?" : chars);
  };
  const py::object name = py::reinterpret_steal<py::object>(get_name(lock, origin));
  if (!name.is_none()) return "name " + utf8(name.ptr());
  if (origin.code == nullptr) return "nowhere";
  return utf8(file_of(origin.code)) + ' ' + std::to_string(origin.code->co_firstlineno) + ' ' +
         std::to_string(origin.instruction);
}

PyObject* describe_name(const char* utf8) {
  if (utf8[0] == '\0') return Py_NewRef(Py_None);
  return PyUnicode_DecodeUTF8(utf8, static_cast<Py_ssize_t>(std::char_traits<char>::length(utf8)),
                              "replace");
}

PyObject* describe_origin(PyObject* lock, Origin& origin) {
  PyObject* place = describe_place(origin.code, origin.instruction);
  PyObject* name = get_name(lock, origin);
  return Py_BuildValue("sNN", Py_TYPE(lock)->tp_name, name, place);
}

void find_threading_module() {
  const py::object thread = py::module_::import("threading").attr("Thread");
  py::object file = thread.attr("__init__").attr("__code__").attr("co_filename");
  threading_file = file.release().ptr();
}

}  // namespace nativeconc::seam

internal import CQPDF

// Unsafe: libqpdf is called from C with its own document, which lives while `completed` runs, as do the bytes
// that it reads; strings and buffers that it returns are copied before the next call.

/// Puts right what Cairo leaves out of a PDF of any number of pages, by libqpdf.
///
/// Cairo 1.16 names a picture that is drawn twice twice in the resources, declares every page a
/// transparency group, writes dates without `D:`, and knows neither language nor XMP. Streams stay as Cairo
/// wrote them. The same file gives the same bytes.
///
/// - Reference: ISO 32000-1, sections 7.8.3 (resources), 7.9.4 (dates), 11.4.7 (page groups), 14.3
///   (metadata) and 14.9.2 (language).
@safe package struct PDFCompletion {
  private let document: qpdf_data

  /// The file `bytes` with the metadata of a figure.
  /// - Parameters:
  ///   - bytes: a whole PDF.
  ///   - metadata: the figure's.
  ///   - description: what is in the figure; may be empty.
  /// - Throws: ``FigureError/drawing(_:)`` if libqpdf cannot read the file or write it.
  package static func completed(
    _ bytes: [UInt8], metadata: Scene.Metadata, description: String
  ) throws -> [UInt8] {
    try unsafe bytes.withUnsafeBytes { buffer in
      var document = unsafe qpdf_init()
      defer { unsafe qpdf_cleanup(&document) }
      guard let opened = unsafe document else {
        throw FigureError.drawing("qpdf cannot be started")
      }
      let completion = unsafe PDFCompletion(document: opened)
      unsafe qpdf_silence_errors(opened)
      // The warnings are about what is put right here.
      unsafe qpdf_set_suppress_warnings(opened, 1)
      let start = unsafe buffer.assumingMemoryBound(to: CChar.self).baseAddress
      unsafe qpdf_read_memory(opened, "figure", start, UInt64(buffer.count), nil)
      try completion.check()
      completion.describe(metadata, description)
      completion.removeNeedlessGroups()
      try completion.check()
      return try completion.written()
    }
  }

  /// Throws the error of the calls before, if one failed.
  private func check() throws {
    guard unsafe qpdf_has_error(document) != 0 else { return }
    let error = unsafe qpdf_get_error(document)
    throw FigureError.drawing(
      unsafe "qpdf: \(String(cString: qpdf_get_error_full_text(document, error)))")
  }

  private func written() throws -> [UInt8] {
    unsafe qpdf_init_write_memory(document)
    unsafe qpdf_set_stream_data_mode(document, qpdf_s_preserve)
    // An identifier made of the content, so that the same file has the same.
    unsafe qpdf_set_deterministic_ID(document, 1)
    unsafe qpdf_write(document)
    try check()
    let count = unsafe qpdf_get_buffer_length(document)
    return unsafe [UInt8](UnsafeBufferPointer(start: qpdf_get_buffer(document), count: count))
  }

  // MARK: - Metadata

  private func describe(_ metadata: Scene.Metadata, _ description: String) {
    let producer = unsafe qpdf_get_info_key(document, "/Producer")
      .map { unsafe String(cString: $0) }
    let packet = XMPPacket(
      metadata: metadata, description: description, producer: producer ?? "")
    let date = "D:" + metadata.date.filter { $0.isNumber || $0 == "Z" }
    unsafe qpdf_set_info_key(document, "/CreationDate", date)
    unsafe qpdf_set_info_key(document, "/ModDate", date)
    if metadata != .anonymous {
      unsafe qpdf_set_info_key(document, "/Keywords", packet.keywords)
    }
    let root = unsafe qpdf_get_root(document)
    set(unsafe qpdf_oh_new_string(document, "en"), as: "/Lang", of: root)
    let stream = unsafe qpdf_oh_new_stream(document)
    let none = unsafe qpdf_oh_new_null(document)
    let text = Array(packet.text.utf8)
    unsafe qpdf_oh_replace_stream_data(document, stream, text, text.count, none, none)
    let dictionary = unsafe qpdf_oh_get_dict(document, stream)
    set(unsafe qpdf_oh_new_name(document, "/Metadata"), as: "/Type", of: dictionary)
    set(unsafe qpdf_oh_new_name(document, "/XML"), as: "/Subtype", of: dictionary)
    set(stream, as: "/Metadata", of: root)
  }

  private func set(_ value: qpdf_oh, as key: String, of dictionary: qpdf_oh) {
    unsafe qpdf_oh_replace_key(document, dictionary, key, value)
  }

  // MARK: - Transparency

  /// Leaves a page a transparency group only where something on it is transparent.
  private func removeNeedlessGroups() {
    let count = unsafe qpdf_get_num_pages(document)
    for index in 0..<max(0, Int(count)) {
      let page = unsafe qpdf_get_page_n(document, index)
      var seen: Set<Int32> = []
      if !isTransparent(page, &seen) { unsafe qpdf_oh_remove_key(document, page, "/Group") }
    }
  }

  /// Whether an object, or one that it leads to, lets what lies below show through.
  private func isTransparent(_ object: qpdf_oh, _ seen: inout Set<Int32>) -> Bool {
    let number = unsafe qpdf_oh_get_object_id(document, object)
    if number != 0, !seen.insert(number).inserted { return false }
    switch unsafe qpdf_oh_get_type_code(document, object) {
    case ot_array:
      let count = unsafe qpdf_oh_get_array_n_items(document, object)
      return (0..<count).contains {
        isTransparent(unsafe qpdf_oh_get_array_item(document, object, $0), &seen)
      }
    case ot_stream:
      return isTransparent(unsafe qpdf_oh_get_dict(document, object), &seen)
    case ot_dictionary:
      return keys(of: object).contains { key in
        let value = unsafe qpdf_oh_get_key(document, object, key)
        return switch key {
        case "/Parent": false
        case "/SMask": unsafe qpdf_oh_is_name_and_equals(document, value, "/None") == 0
        case "/ca", "/CA": unsafe qpdf_oh_get_numeric_value(document, value) < 1
        case "/BM":
          unsafe qpdf_oh_is_name_and_equals(document, value, "/Normal") == 0
        default: isTransparent(value, &seen)
        }
      }
    default: return false
    }
  }

  private func keys(of dictionary: qpdf_oh) -> [String] {
    unsafe qpdf_oh_begin_dict_key_iter(document, dictionary)
    var keys: [String] = []
    while unsafe qpdf_oh_dict_more_keys(document) != 0 {
      keys.append(unsafe String(cString: qpdf_oh_dict_next_key(document)))
    }
    return keys
  }
}

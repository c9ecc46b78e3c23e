internal import TensorEngine

/// A table of comma-separated values (RFC 4180): a line of names, and rows by them.
struct CSVTable {
  /// A row, and where it stands.
  struct Row {
    /// As many as there are columns.
    let fields: [String]
    /// The line that it begins on, from 1.
    let line: Int
    /// Its bytes in the document, with the end of its last line.
    let range: Range<Int>
  }

  let path: String
  /// The names in the first line.
  let columns: [String]
  let rows: [Row]
  /// The bytes of the first line, with its end.
  let header: Range<Int>

  /// Reads the table that a document is.
  /// - Parameter needed: columns without which it is no such table.
  /// - Throws: `FileError` with the line and what is wrong there.
  init(_ document: TextDocument, needed: [String] = []) throws {
    var records = try Self.records(document, needed: needed)
    guard !records.isEmpty else {
      throw FileError(.malformed, path: document.path, reason: "expected a table, got nothing")
    }
    let first = records.removeFirst()
    (path, columns, rows, header) = (document.path, first.fields, records, first.range)
  }

  /// The place of the column `name`.
  /// - Throws: `FileError`.
  func column(_ name: String) throws -> Int {
    guard let index = columns.firstIndex(of: name) else {
      throw Self.lacking(name, columns, path)
    }
    return index
  }

  private static func lacking(_ name: String, _ columns: [String], _ path: String) -> FileError {
    FileError(
      .malformed, path: path, subject: "line 1",
      reason: "expected a column \(FileError.quoted(name)), got "
        + FileError.quoted(columns.joined(separator: ",")))
  }

  /// An error about a row.
  func failure(_ row: Row, _ reason: String) -> FileError {
    FileError(.malformed, path: path, subject: "line \(row.line)", reason: reason)
  }

  private static func check(names: [String], needed: [String], path: String) throws {
    guard names.count <= columnLimit else {
      throw FileError(
        .malformed, path: path, subject: "line 1",
        reason: "expected at most \(columnLimit) columns, got \(names.count)")
    }
    guard Set(names).count == names.count else {
      throw FileError(
        .malformed, path: path, subject: "line 1", reason: "expected each column once")
    }
    if let name = needed.first(where: { !names.contains($0) }) { throw lacking(name, names, path) }
  }

  /// The most columns.
  private static let columnLimit = 10_000

  /// The first line's names and the rows, each checked before the next one is read.
  private static func records(_ document: TextDocument, needed: [String]) throws -> [Row] {
    let bytes = document.bytes
    let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
    let (feed, carriage) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    var rows: [Row] = []
    var (position, line) = (0, 1)
    while position < bytes.count {
      let (start, startLine) = (position, line)
      var fields: [String] = []
      var count = 0
      var isOpen = true
      while isOpen {
        var field: [UInt8] = []
        if position < bytes.count, bytes[position] == quote {
          position += 1
          while true {
            guard position < bytes.count else {
              throw FileError(
                .malformed, path: document.path, subject: "line \(startLine)",
                reason: "expected a closing quote, got the end of the file")
            }
            let byte = bytes[position]
            position += 1
            if byte == feed { line += 1 }
            if byte == quote {
              guard position < bytes.count, bytes[position] == quote else { break }
              position += 1
            }
            field.append(byte)
          }
          guard position == bytes.count || [comma, feed, carriage].contains(bytes[position]) else {
            throw FileError(
              .malformed, path: document.path, subject: "line \(line)",
              reason: "expected nothing more in a field after its closing quote")
          }
        } else {
          while position < bytes.count, bytes[position] != comma, bytes[position] != feed {
            field.append(bytes[position])
            position += 1
          }
          let endsLine = position == bytes.count || bytes[position] == feed
          if endsLine, field.last == carriage { field.removeLast() }
        }
        count += 1
        // What is too much is counted only.
        if count <= rows.first?.fields.count ?? .max {
          fields.append(String(decoding: field, as: UTF8.self))
        }
        if position < bytes.count, bytes[position] == carriage { position += 1 }
        isOpen = position < bytes.count && bytes[position] == comma
        if position < bytes.count {
          if bytes[position] == feed { line += 1 }
          position += 1
        }
      }
      if count > 1 || fields != [""] {
        if let first = rows.first {
          guard count == first.fields.count else {
            throw FileError(
              .malformed, path: document.path, subject: "line \(startLine)",
              reason: "expected \(first.fields.count) fields as in line 1, got \(count)")
          }
          guard rows.count <= TextDocument.rowLimit else {
            throw FileError(
              .malformed, path: document.path, subject: "line \(startLine)",
              reason: "expected at most \(TextDocument.rowLimit) rows: split the file")
          }
        } else {
          try check(names: fields, needed: needed, path: document.path)
        }
        rows.append(Row(fields: fields, line: startLine, range: start..<position))
      }
    }
    return rows
  }
}

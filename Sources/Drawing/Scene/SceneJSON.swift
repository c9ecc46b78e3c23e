internal import Pictures

extension Scene {
  /// The scene as JSON, a node a line, lengths to 1/100 point; the same scene gives the same text.
  ///
  /// Pictures are given by size and digest, which keeps the text small.
  public var json: String {
    let told: OrderedJSON = [
      "title": .text(metadata.title), "date": .text(metadata.date),
      "software": .text(metadata.software), "manifest": .text(metadata.manifest),
    ]
    var lines = [
      "{", "\"width\": \(NumberText.plain(width)), \"height\": \(NumberText.plain(height)),",
      "\"metadata\": \(told.string),",
      "\"warnings\": \(OrderedJSON.texts(warnings).string),", "\"nodes\": [",
    ]
    Self.append(nodes, indent: "  ", to: &lines)
    lines.append("]}")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func append(_ nodes: [Node], indent: String, to lines: inout [String]) {
    for (index, node) in nodes.enumerated() {
      let comma = index + 1 < nodes.count ? "," : ""
      if case .group(let name, let members) = node {
        lines.append("\(indent){\"group\": \(OrderedJSON.text(name).string), \"nodes\": [")
        append(members, indent: indent + "  ", to: &lines)
        lines.append("\(indent)]}\(comma)")
      } else {
        lines.append(indent + json(node).string + comma)
      }
    }
  }

  private static func json(_ node: Node) -> OrderedJSON {
    switch node {
    case .group(let name, _): ["group": .text(name)]
    case .rectangle(let frame, let fill, let stroke):
      .object([.init("rectangle", json(frame))] + json(fill, stroke))
    case .path(let points, let closed, let fill, let stroke):
      .object(
        [
          .init("path", lengths(points.flatMap { [$0.x, $0.y] })), .init("closed", .bool(closed)),
        ]
          + json(fill, stroke))
    case .image(let image, let frame):
      [
        "image": json(frame), "size": .integers([image.width, image.height]),
        "digest": .text(image.digest),
      ]
    case .cells(let cells):
      [
        "cells": json(cells.frame), "grid": .integers([cells.rows, cells.columns]),
        "colors": .list(cells.colors.map { $0.map { .text($0.hex) } ?? .null }),
        "sides": lengths(cells.sides),
      ]
    case .gradient(let colors, let frame):
      ["gradient": json(frame), "colors": .texts(colors.map(\.hex))]
    case .text(let text):
      [
        "text": .text(text.string), "origin": lengths([text.origin.x, text.origin.y]),
        "size": length(text.size), "bold": .bool(text.isBold), "vertical": .bool(text.isVertical),
        "color": .text(text.color.hex), "box": json(text.box),
      ]
    }
  }

  private static func json(_ fill: Color?, _ stroke: Stroke?) -> [OrderedJSON.Member] {
    var members: [OrderedJSON.Member] = []
    if let fill { members.append(.init("fill", .text(fill.hex))) }
    if let stroke {
      members += [.init("stroke", .text(stroke.color.hex)), .init("line", length(stroke.width))]
      if !stroke.dash.isEmpty { members.append(.init("dash", lengths(stroke.dash))) }
    }
    return members
  }

  private static func json(_ frame: Rect) -> OrderedJSON {
    lengths([frame.x, frame.y, frame.width, frame.height])
  }

  private static func length(_ value: Double) -> OrderedJSON { .number(NumberText.plain(value)) }

  private static func lengths(_ values: [Double]) -> OrderedJSON { .list(values.map(length)) }
}

# Makes sessions.txt of a capture: ruby pack.rb golden.jsonl > sessions.txt
#
# The capture has one JSON object a line; those of the kind "session" are taken. Their `events` are
# what a recording proxy between a client and a server has seen: the link ("main", or "callback" for
# what the server sends to the client's own server), the connection, the direction, and the bytes.
# Folders in backtraces are replaced by others of the same length: they say nothing, and no length
# within the bytes has to be changed.

require 'json'

FOLDERS = %r{/(?:[\w.+-]+/)+(?=[\w.-]+\.rb:)}n

def text(bytes)
  bytes.gsub(/[^ -\[\]-~]/n) { |byte| format('\\x%02x', byte.ord) }
end

def frames(bytes)
  found = []
  until bytes.empty?
    length = bytes.unpack1('N')
    stream = bytes.byteslice(4, length)
    raise 'no whole frame' unless stream&.bytesize == length && stream.start_with?("\x04\x08".b)
    found << stream.byteslice(2..)
    bytes = bytes.byteslice(4 + length..)
  end
  found
end

head = File.readlines(__FILE__).drop_while { |line| line != "__END__\n" }.drop(1)
puts head
File.foreach(ARGV.fetch(0)) do |line|
  session = JSON.parse(line)
  next unless session['kind'] == 'session'
  puts ['session', *session.values_at('name', 'desc', 'client_visible')].join("\t")
  session['events'].each do |event|
    bytes = [event.fetch('hex', '')].pack('H*').gsub(FOLDERS) { |folder| '.' * (folder.size - 1) + '/' }
    puts [*event.values_at('link', 'conn', 'dir'), *frames(bytes).map { |frame| text(frame) }].join("\t")
  end
end

__END__
# Conversations between a client and a server of Ruby 3.1.7 with ruby/drb 2.2.4, through a recording
# proxy. To make this file anew: ruby pack.rb golden.jsonl > sessions.txt (pack.rb says what it takes).
#
# A session: its name, what the client does, and what its program sees. Below, what was on the wire:
# the link ("main" from client to server; "callback" from the server to the client's own server), the
# connection, who sends (C>S, S>C), and the Marshal streams, each without its version and the length
# before it; bytes that aren't printable are written \xhh. A line without a stream is the end of a
# direction.
#
# The client serves druby://127.0.0.1:18798, the server is druby://127.0.0.1:18787; the client has
# called it through the proxy at druby://127.0.0.1:18797. Calls of objects that the server has given
# away go to 18787 directly, and were not recorded.

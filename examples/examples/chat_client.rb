# Somebody in the room of chat_server: ruby chat_client.rb druby://localhost:9000 Bob
require 'drb'
require 'drb/unix'

class Screen
  include DRbUndumped

  def hear(name, text)
    puts "#{name}: #{text}"
  end
end

$stdout.sync = true
uri, name = ARGV.shift(2)
DRb.start_service('druby://localhost:0')
room = DRbObject.new_with_uri(uri)
screen = Screen.new
puts "already here: #{room.join(screen, name).inspect}"
while (line = gets(chomp: true))
  room.say(screen, line)
end
room.leave(screen)

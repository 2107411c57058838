# Pins a note at the board of unix_server, and tries to clear it: ruby unix_client.rb drbunix:/tmp/board
require 'drb'
require 'drb/unix'

board = DRbObject.new_with_uri(ARGV.fetch(0))
board.pin('the tea is ready')
puts board.notes
begin
  board.clear
  puts 'cleared'
rescue SecurityError, RuntimeError => error
  puts "not cleared: #{error.message}"
end

# A board for the users of one machine: everybody may pin a note, only the user who has started the
# server may clear the board: ruby unix_server.rb drbunix:/tmp/board
require 'drb'
require 'drb/unix'

class Board
  def initialize
    @notes = []
  end

  def pin(text)
    (@notes << "#{uid}: #{text}").size
  end

  def notes
    @notes.dup
  end

  def clear
    # Not a SecurityError: Ruby's drb closes the connection for that, without a word.
    raise "'clear' of #<Board> is not for you" unless uid == Process.euid
    @notes.clear
    nil
  end

  private

  # Of the process at the other end, as the system knows it.
  def uid
    Thread.current['DRb']['client'].stream.getpeereid.first
  end
end

DRb.start_service(ARGV.fetch(0), Board.new, UNIXFileMode: 0o666)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
